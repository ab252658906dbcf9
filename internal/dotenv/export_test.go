package dotenv

// ShellNames are the names that a shell owns, for tests to ask the shells.
const ShellNames = shellNames

// Holds is CheckValue without the search for who stands in the way.
func (s Codec) Holds(key, value string) bool {
	_, can := s.spell(key, value)
	return can
}

package dotenv

// ShellNames are the names that a shell owns, for tests to ask the shells.
const ShellNames = shellNames

package firstboot

import (
	"encoding/binary"
	"strings"
)

// The alphabet of Python's base64.b85encode. It has no quote and no backslash,
// and no dot, so that a line of it ends no here-document and no section.
const base85Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"

// POSIX promises that a line of 2048 bytes is text, and few lines cost few bytes.
const base85Columns = 1024

// base85 encodes data as Python's base64.b85encode does: five characters for four
// bytes, and one more than the bytes that are left over for a last group. Lines
// have base85Columns characters; there is no line end at the end.
func base85(data []byte) string {
	var out strings.Builder
	columns := 0
	for len(data) > 0 {
		var group [4]byte
		n := copy(group[:], data)
		data = data[n:]
		number := binary.BigEndian.Uint32(group[:])
		var digits [5]byte
		for i := len(digits) - 1; i >= 0; i-- {
			digits[i] = base85Alphabet[number%85]
			number /= 85
		}
		for _, digit := range digits[:n+1] {
			if columns == base85Columns {
				out.WriteByte('\n')
				columns = 0
			}
			out.WriteByte(digit)
			columns++
		}
	}
	return out.String()
}

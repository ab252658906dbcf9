package sops

// sops splits a data key among key groups by Shamir's scheme, byte by byte, over
// the field GF(2⁸) of AES: a part is the values of the polynomials at a point, and
// the point itself as its last byte. The secret is their values at 0.

// combine recovers the secret from parts. It reports false where they can't be
// parts of one secret: unequal lengths, or a point that is zero or there twice.
func combine(parts [][]byte) (secret []byte, ok bool) {
	size := len(parts[0]) - 1
	points := make([]byte, len(parts))
	seen := map[byte]bool{0: true}
	for i, part := range parts {
		if len(part) != size+1 || seen[part[size]] {
			return nil, false
		}
		points[i] = part[size]
		seen[points[i]] = true
	}
	secret = make([]byte, size)
	for i, part := range parts {
		weight := lagrangeAtZero(points, i)
		for j := range secret {
			secret[j] ^= fieldMul(part[j], weight)
		}
	}
	return secret, true
}

// lagrangeAtZero is how much the value at the i-th point counts for the value at
// zero: the product of p / (p - points[i]) over all other points p. Subtraction in
// the field is XOR.
func lagrangeAtZero(points []byte, i int) byte {
	weight := byte(1)
	for j, point := range points {
		if j != i {
			weight = fieldMul(weight, fieldMul(point, fieldInverse(point^points[i])))
		}
	}
	return weight
}

// fieldMul multiplies modulo x⁸+x⁴+x³+x+1, in a time that depends on no operand.
func fieldMul(a, b byte) (product byte) {
	for range 8 {
		product ^= a & -(b & 1)
		a = a<<1 ^ 0x1b&-(a>>7)
		b >>= 1
	}
	return product
}

// fieldInverse is a to the 254th power: the inverse, since the 255th is 1.
func fieldInverse(a byte) byte {
	power, inverse := a, byte(1)
	for range 7 {
		power = fieldMul(power, power)
		inverse = fieldMul(inverse, power)
	}
	return inverse
}

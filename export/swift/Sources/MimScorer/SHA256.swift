#if canImport(CryptoKit)
    import CryptoKit
#endif

/// SHA-256 of bytes, as 64 hexadecimal digits.
///
/// Example: of no bytes, `e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855`.
func sha256(_ bytes: UnsafeRawBufferPointer) -> String {
    #if canImport(CryptoKit)
        var hash = SHA256()
        hash.update(bufferPointer: bytes)
        let found = Array(hash.finalize())
    #else
        let found = digest(bytes)
    #endif
    let digits: [Character] = Array("0123456789abcdef")
    var text = ""
    for byte in found {
        text.append(digits[Int(byte) / 16])
        text.append(digits[Int(byte) % 16])
    }
    return text
}

#if !canImport(CryptoKit)
    /// FIPS 180-4, for systems without CryptoKit.
    private func digest(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var state: [UInt32] = [
            0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
        ]
        var words = [UInt32](repeating: 0, count: 64)
        let whole = bytes.count / 64 * 64
        for start in stride(from: 0, to: whole, by: 64) { add(bytes, at: start, to: &state, words: &words) }
        // The rest, a 1 bit, zeros, and the number of bits.
        var rest: [UInt8] = Array(bytes[whole...])
        rest.append(0x80)
        while rest.count % 64 != 56 { rest.append(0) }
        let bits = UInt64(bytes.count) * 8
        for byte in 0..<8 { rest.append(UInt8(truncatingIfNeeded: bits >> UInt64(56 - 8 * byte))) }
        rest.withUnsafeBytes { rest in
            for start in stride(from: 0, to: rest.count, by: 64) { add(rest, at: start, to: &state, words: &words) }
        }
        return state.flatMap { word in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> UInt32($0)) } }
    }

    private func turned(_ x: UInt32, _ n: UInt32) -> UInt32 { x >> n | x << (32 - n) }

    /// Adds a block of 64 bytes to the state; `w` is scratch memory.
    private func add(_ bytes: UnsafeRawBufferPointer, at start: Int, to state: inout [UInt32], words w: inout [UInt32]) {
        for i in 0..<16 {
            var word: UInt32 = 0
            for byte in 0..<4 { word = word << 8 | UInt32(bytes[start + 4 * i + byte]) }
            w[i] = word
        }
        for i in 16..<64 {
            let a: UInt32 = w[i - 15]
            let b: UInt32 = w[i - 2]
            let s0: UInt32 = turned(a, 7) ^ turned(a, 18) ^ (a >> 3)
            let s1: UInt32 = turned(b, 17) ^ turned(b, 19) ^ (b >> 10)
            w[i] = w[i - 16] &+ s0 &+ w[i - 7] &+ s1
        }
        var s = state
        for i in 0..<64 {
            let a: UInt32 = s[0], e: UInt32 = s[4]
            let s1: UInt32 = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)
            let s0: UInt32 = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)
            let choice: UInt32 = (e & s[5]) ^ (~e & s[6])
            let majority: UInt32 = (a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2])
            let first: UInt32 = s[7] &+ s1 &+ choice &+ roundConstants[i] &+ w[i]
            for place in (1..<8).reversed() { s[place] = s[place - 1] }
            s[4] = s[4] &+ first
            s[0] = first &+ s0 &+ majority
        }
        for i in 0..<8 { state[i] = state[i] &+ s[i] }
    }

    /// The fractional parts of the cube roots of the first 64 primes.
    private let roundConstants: [UInt32] = [
        0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
        0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
        0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
        0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
        0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
        0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
        0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
        0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
    ]
#endif

// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezChunkFormat
import MigratezCrypto
import MigratezModel
import MigratezTestKit
import Testing

/// What the border of frames could break.
let borderSizes = [0, 1, 65_535, 65_536, 65_537, 131_071, 131_072, 131_073, 1_000_003]

struct AgeRoundTripTests {
    @Test(arguments: borderSizes) func `an age file comes back`(size: Int) throws {
        let privateKey = try SymmetricKey()
        let plaintext = noise(size)
        let file = try ageFile(plaintext, for: [.x25519(publicKey: X25519.publicKey(of: privateKey))])
        for piece in [.max, 65_552, 4_093] {
            let reading = readAge(file, [.x25519(privateKey)], piece: piece)
            #expect(reading.error == nil)
            #expect(reading.bytes == plaintext)
        }
    }

    @Test func `a file for several is opened by each, and by nobody else`() throws {
        let keys = try (0..<3).map { _ in try SymmetricKey() }
        let file = try ageFile(
            Array("text".utf8), for: keys.map { .x25519(publicKey: try X25519.publicKey(of: $0)) })
        for key in keys { #expect(readAge(file, [.x25519(key)]).bytes == Array("text".utf8)) }
        let stranger = readAge(file, [.x25519(try SymmetricKey())])
        #expect(stranger.error?.code == .keyWrong)
        #expect(stranger.bytes.isEmpty)
    }

    @Test func `a passphrase opens its file, and only within the cap on work`() throws {
        let file = try ageFile(Array("text".utf8), for: [.passphrase(Secret("tangerine"), workFactor: 10)])
        #expect(readAge(file, [.passphrase(Secret("tangerine"))]).bytes == Array("text".utf8))
        #expect(readAge(file, [.passphrase(Secret("mandarin"))]).error?.code == .keyWrong)
        #expect(readAge(file, [.passphrase(Secret("tangerine"), workFactorMax: 9)]).error?.code == .chunkCorrupt)
    }

    @Test(arguments: [0, 1, 47, 48, 49, 95, 96, 1000]) func `armor comes back`(size: Int) throws {
        let bytes = noise(size)
        let armored = AgeArmor.encode(bytes)
        #expect(AgeArmor.isArmored(armored))
        #expect(try AgeArmor.decode(armored) == bytes)
    }

    @Test func `keys have the texts of age`() throws {
        let key = try SymmetricKey()
        let publicKey = try X25519.publicKey(of: key)
        let text = AgeKeyText.recipient(publicKey)
        #expect(text.hasPrefix("age1"))
        guard case .x25519(let parsed) = try AgeRecipient.parse(text) else { return }
        #expect(parsed == publicKey)
        guard case .x25519(let parsedKey) = try AgeIdentity.parse(AgeKeyText.identity(key)) else { return }
        #expect(parsedKey.isEqual(to: key))
        var damaged = Array(text.utf8)
        damaged[10] = damaged[10] == 0x71 ? 0x70 : 0x71
        #expect(throws: MigratezError.self) { _ = try AgeRecipient.parse(String(decoding: damaged, as: UTF8.self)) }
    }
}

/// Against Debian's `age` and `zstd`.
@Suite(.enabled(if: isInstalled("age") && isInstalled("zstd"), "age or zstd is not installed"))
struct AgeInteropTests {
    /// A folder with a fresh key of age-keygen in `key.txt`; its identity and recipient.
    private func withAgeKey(_ body: (String, AgeIdentity, AgeRecipient, String) throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            #expect(shell("age-keygen -o \(folder)/key.txt 2>/dev/null").status == 0)
            let lines = String(decoding: try contents(of: "\(folder)/key.txt"), as: UTF8.self).split(separator: "\n")
            let secret = try #require(lines.first { $0.hasPrefix("AGE-SECRET-KEY-1") })
            let identity = try AgeIdentity.parse(Secret(String(secret)))
            let text = String(decoding: shell("age-keygen -y \(folder)/key.txt").output.dropLast(), as: UTF8.self)
            try body(folder, identity, AgeRecipient.parse(text), text)
        }
    }

    @Test(arguments: borderSizes) func `age reads ours and we read age's`(size: Int) async throws {
        try await withAgeKey { folder, identity, recipient, text in
            let plaintext = noise(size)
            try write(try ageFile(plaintext, for: [recipient]), to: "\(folder)/ours.age")
            let theirs = shell("age -d -i \(folder)/key.txt \(folder)/ours.age")
            #expect(theirs.status == 0)
            #expect(theirs.output == plaintext)
            try write(plaintext, to: "\(folder)/plain")
            let reading = readAge(shell("age -r \(text) \(folder)/plain").output, [identity])
            #expect(reading.error == nil)
            #expect(reading.bytes == plaintext)
        }
    }

    @Test(arguments: [0, 1, 65_536, 200_000]) func `armor goes both ways`(size: Int) async throws {
        try await withAgeKey { folder, identity, recipient, text in
            let plaintext = noise(size)
            try write(AgeArmor.encode(try ageFile(plaintext, for: [recipient])), to: "\(folder)/ours.age")
            #expect(shell("age -d -i \(folder)/key.txt \(folder)/ours.age").output == plaintext)
            try write(plaintext, to: "\(folder)/plain")
            let armored = shell("age -a -r \(text) \(folder)/plain").output
            #expect(readAge(try AgeArmor.decode(armored), [identity]).bytes == plaintext)
        }
    }

    @Test func `the owner of a copy opens it with age and zstd alone`() async throws {
        try await withAgeKey { folder, identity, recipient, _ in
            let plaintext = records(bytes: 1_000_000)
            let (file, _) = try chunk(plaintext, context(), copies: [recipient])
            try write(file, to: "\(folder)/chunk.ndjson.zst.age")
            let theirs = shell("age -d -i \(folder)/key.txt \(folder)/chunk.ndjson.zst.age | zstd -dc")
            #expect(theirs.output == plaintext)
            // The copy is still the chunk.
            #expect(read(file, as: context()).bytes == plaintext)
            var decoder = try ChunkDecoder(unlockedBy: [identity], reading: source(of: file))
            var bytes: [UInt8] = []
            while try decoder.nextBytes(appendingTo: &bytes) {}
            #expect(bytes == plaintext)
        }
    }

    @Test func `a chunk without copies is closed to others`() async throws {
        try await withAgeKey { folder, _, _, _ in
            try write(try chunk(records(bytes: 1000), context()).file, to: "\(folder)/chunk.age")
            let theirs = shell("age -d -i \(folder)/key.txt \(folder)/chunk.age 2>/dev/null")
            #expect(theirs.status != 0)
            #expect(theirs.output.isEmpty)
        }
    }

    /// `script` gives age the terminal that it wants to read a passphrase from.
    @Test(.enabled(if: isInstalled("script"), "script is not installed"))
    func `passphrases go both ways`() async throws {
        try await withTemporaryFolder { folder in
            let plaintext = records(bytes: 100_000)
            try write(plaintext, to: "\(folder)/plain")
            let ask = { (command: String, lines: String) in
                shell("printf '\(lines)' | script -qec '\(command)' /dev/null 2>&1")
            }
            #expect(ask("age -p -o \(folder)/theirs.age \(folder)/plain", #"tangerine\ntangerine\n"#).status == 0)
            let identity = AgeIdentity.passphrase(Secret("tangerine"))
            #expect(readAge(try contents(of: "\(folder)/theirs.age"), [identity]).bytes == plaintext)
            let ours = try ageFile(plaintext, for: [.passphrase(Secret("tangerine"), workFactor: 12)])
            try write(ours, to: "\(folder)/ours.age")
            #expect(ask("age -d -o \(folder)/opened \(folder)/ours.age", #"tangerine\n"#).status == 0)
            #expect(try contents(of: "\(folder)/opened") == plaintext)
        }
    }
}

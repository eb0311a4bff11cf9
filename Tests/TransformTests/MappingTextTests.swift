// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import MigratezConnectorKit
import MigratezTransform
import Testing

@Suite struct `Match keys` {
    @Test(
        arguments: [
            (MatchKey.Kind.email, " Ada@X.Test ", "ada@x.test"), (.email, "  ", nil),
            (.phone, "(415) 555-0123", "4155550123"),
            (.phone, "+1 415.555.0123", "4155550123"), (.phone, "1-415-555-0123 x12", "4155550123"),
            (.phone, "0049 30 123456", "4930123456"), (.phone, "+49 30 123456", "4930123456"),
            (.phone, "ask reception", nil),
            (.domain, "https://WWW.Acme.test:8080/about?x#y", "acme.test"), (.domain, "acme.test.", "acme.test"),
            (.domain, "ada@acme.test", "acme.test"), (.domain, "www.", nil), (.text, "  Acme   Inc. ", "acme inc."),
            (.text, "Ｍüller", "müller"), (.text, "Mu\u{308}ller", "müller"), (.text, "STRASSE", "strasse"),
            (.text, "Straße", "strasse"), (.text, "ﬁne\u{A0}day", "fine day"), (.text, "\u{200B}", nil),
        ] as [(MatchKey.Kind, String, String?)])
    func `are the same for what people mean the same by`(_ kind: MatchKey.Kind, _ value: String, _ key: String?) {
        #expect(MatchKey.normalized(value, as: kind) == key)
    }

    @Test(
        arguments: [
            ("email", .text, .email), ("anything", .email, .email), ("mobilephone", .text, .phone),
            ("domain", .text, .domain),
            ("site", .url, .domain), ("lastname", .text, .text),
        ] as [(String, FieldSchema.Kind, MatchKey.Kind)])
    func `are chosen by type, else by name`(_ name: String, _ type: FieldSchema.Kind, _ kind: MatchKey.Kind) {
        let field = FieldSchema(name: name, label: name, kind: type)
        #expect(MatchKey.kind(of: field, named: name) == kind)
    }
}

@Suite struct `Telephone numbers` {
    @Test(
        arguments: [
            ("(415) 555-0123", "+14155550123"), ("415.555.0123", "+14155550123"), ("1 415 555 0123", "+14155550123"),
            ("+14155550123", "+14155550123"), ("+44 20 2015 1234", "+442020151234"),
            ("0044 20 2015 1234", "+442020151234"),
            ("415-555-0123 ext. 7", "+14155550123;ext=7"), ("415-555-0123x12", "+14155550123;ext=12"),
            ("ask reception", nil),
            ("555-0123", nil), ("115-555-0123", nil), ("+1 415 055 0123", nil), ("+1234567", nil), ("+0123456789", nil),
            ("", nil),
            ("+1234567890123456", nil), ("415 555 0123 Ada", nil),
        ] as [(String, String?)]) func `become international`(_ text: String, _ wanted: String?)
    {
        #expect(PhoneNumber.normalized(text, region: "US") == wanted)
    }
}

@Suite struct `Match keys in place` {
    @Test(arguments: MatchKey.Kind.allCases)
    func `are the same as bytes and as text`(kind: MatchKey.Kind) {
        let values = [
            "", " ", "\u{A0}", "Ada@X.test", " \t\u{0B}ada@x.TEST\r\n", "\u{200B}ÄDA@x.test ", "\u{1F}a\u{1C}", "a b",
            "+1 (415) 555-0123", "001 415 555 0123 x12", "0114155550123", "ext", "x12", "00", "011", "1", "14155550123",
            "٣", "https://www.X.test:80/a?b", "X.test.", "Ｍüller  GmbH",
        ]
        for value in values {
            var key = Array("before".utf8)
            let found = Array(value.utf8).withUnsafeBytes { MatchKey.append($0, as: kind, to: &key) }
            let wanted = MatchKey.normalized(value, as: kind)
            #expect(found == (wanted != nil))
            #expect(String(decoding: key, as: UTF8.self) == "before" + (wanted ?? ""), "\(value)")
        }
    }
}

@Suite struct `Markup` {
    @Test(arguments: [
        ("<p onclick=\"x()\">Call <b>Ada</b></p>", "<p>Call <b>Ada</b></p>"), ("<script>alert(1)</script>x", "x"),
        ("<SCRIPT src=x>1</ScRiPt >y", "y"),
        ("<a href=\"https://a.test/?a=1&b=2\">l</a>", "<a href=\"https://a.test/?a=1&amp;b=2\">l</a>"),
        ("<a href='javascript:alert(1)'>l</a>", "<a>l</a>"), ("<a href=\"java&#x0A;script:x\">l</a>", "<a>l</a>"),
        ("<a data-href=\"https://a.test\">l</a>", "<a>l</a>"), ("<img src=x onerror=y>z", "z"),
        ("<b><i>x</b>", "<b><i>x</i></b>"),
        ("a < b & c", "a &lt; b &amp; c"), ("<b", "<b></b>"), ("</b>x", "x"), ("<!-- <b> -->x", "x"),
        ("&lt;script&gt;", "&lt;script&gt;"),
        ("<br/>x", "<br>x"), ("<p title=\">\">x</p>", "<p>x</p>"), ("<scr<script>ipt>x", "ipt&gt;x"),
    ]) func `keeps only what is harmless`(_ html: String, _ wanted: String) {
        #expect(HTMLSanitizer.sanitized(html) == wanted)
    }

    @Test(arguments: [
        ("<p>First&nbsp;line</p><p>Second &amp; last</p>", "First\u{A0}line\nSecond & last"), ("a<br><br>b", "a\n\nb"),
        ("<ul><li>x</li> <li>y</li></ul>", "x\ny"), ("  a \n  b ", "a b"), ("&#65;&#x42;&bogus;", "AB&bogus;"),
        ("<style>p{}</style>", ""),
    ]) func `becomes text`(_ html: String, _ wanted: String) {
        #expect(HTMLSanitizer.plainText(html) == wanted)
    }

    @Test func `never keeps a tag that is not allowed, whatever it is made of`() {
        let pieces = [
            "<", ">", "</", "script", "a", " href=", "\"", "'", "javascript:", "b", "<!--", "-->", " ", "&lt;", "on=x",
            "svg",
        ]
        var seed: UInt64 = 42
        for _ in 0..<3000 {
            var html = ""
            for _ in 0..<12 {
                seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                html += pieces[Int(seed >> 33) % pieces.count]
            }
            let clean = HTMLSanitizer.sanitized(html)
            let tags = clean.split(separator: "<").dropFirst(clean.hasPrefix("<") ? 0 : 1).map {
                $0.prefix { $0 != ">" }
            }
            #expect(tags.allSatisfy { ["a", "/a", "b", "/b"].contains($0) }, "\(html) became \(clean)")
        }
    }
}

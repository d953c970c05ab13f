import Foundation
import Testing

@testable import carillon

@Suite("Mails of a Maildir")
struct MailFileTests {
    private static let mail = """
        From: Northwind Supply <notifications@northwind.example>\r
        To: anna@globex.example\r
        Subject: New invoice\r
         INV-1\r
        Message-ID: <n-1@carillon>\r
        Content-Type: multipart/alternative; boundary="Bound=1"\r
        \r
        preamble\r
        --Bound=1\r
        Content-Type: text/plain; charset=utf-8\r
        Content-Transfer-Encoding: quoted-printable\r
        \r
        Gr=C3=BC=C3=9Fe, this is a line that is =\r
        folded.\r
        1 + 1 =3D 2\r
        --Bound=1\r
        Content-Type: text/html\r
        \r
        <p>no</p>\r
        --Bound=1--\r

        """

    @Test("are taken apart: unfolded fields, and the decoded plain text")
    func parts() {
        let mail = MailFile(Data(Self.mail.utf8))
        #expect(mail["subject"] == "New invoice INV-1")
        #expect(mail["To"] == "anna@globex.example")
        #expect(mail["Cc"] == nil)
        #expect(mail.text == "Grüße, this is a line that is folded.\n1 + 1 = 2")
    }

    @Test("Base64, and a mail of one part")
    func base64() {
        let text = "Content-Transfer-Encoding: BASE64\n\nSGVs\nbG8=\n"
        #expect(MailFile(Data(text.utf8)).text == "Hello")
        #expect(MailFile(Data("Subject: x\n\njust text\n".utf8)).text == "just text\n")
    }

    @Test(
        "What is no mail ends no show",
        arguments: ["", "\n", "x", "Content-Type: multipart/mixed\n\nx", "=", "a: b\n\n=4"])
    func garbage(text: String) {
        #expect(MailFile(Data(text.utf8)).fields.count <= 1)
    }

    @Test("are found by their Message-ID")
    func finding() throws {
        let folder = try ScratchFolder()
        let new = folder.url.appending(path: "new")
        try FileManager.default.createDirectory(at: new, withIntermediateDirectories: true)
        try Data(Self.mail.utf8).write(to: new.appending(path: "1.a"))
        try Data("Message-ID: <n-2@carillon>\n\n".utf8).write(to: new.appending(path: "2.b"))
        #expect(MailFile.find(messageID: "n-1@carillon", in: folder.url)?["Subject"] == "New invoice INV-1")
        #expect(MailFile.find(messageID: "n-3@carillon", in: folder.url) == nil)
    }
}

/// What all mails have in common as HTML, from the supplier's name to the footer.
///
/// Tables and styles in line, because that is what mail programs understand; one column that fits a phone; text of 16
/// pixels with a contrast of at least 7:1; tables that only lay out say so to screen readers; nothing is loaded from
/// elsewhere but the supplier's logo, and nothing tracks.
enum HTMLFrame {
    /// The layout of a mail.
    ///
    /// - Parameter card: what stands between the greeting and the footer.
    static func around(_ card: String) -> String { opening + card + closing }

    private static let opening = """
        {{% CONTENT_TYPE:SCALAR_HTML}}
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <meta name="supported-color-schemes" content="light dark">
        <title>{{subject}}</title>
        <style>
        @media (prefers-color-scheme: dark) {
          .page { background: #15181c !important; }
          .card { background: #20252b !important; }
          .ink { color: #f2f4f7 !important; }
          .soft { color: #c3cad3 !important; }
          .rule { border-color: #3a424c !important; }
        }
        @media (max-width: 599px) { .card { padding: 24px 20px !important; } }
        </style>
        </head>
        <body class="page" style="margin:0;padding:0;background:#f3f5f8;">
        <div style="display:none;max-height:0;overflow:hidden;">{{preview}}</div>
        <table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" class="page" style="background:#f3f5f8;">
        <tr><td align="center" style="padding:24px 12px;">
        <table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:560px;">
        <tr><td class="soft" style="padding:0 4px 12px;font:600 15px/1.4 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;color:#3c4653;">
        {{#logo}}<img src="{{logo}}" alt="{{supplier}}" height="32" style="display:block;height:32px;max-width:220px;border:0;">{{/logo}}{{^logo}}{{supplier}}{{/logo}}
        </td></tr>
        <tr><td class="card" style="background:#ffffff;border-top:4px solid {{accent}};border-radius:8px;padding:32px;font:16px/1.5 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;">
        <p class="ink" style="margin:0 0 16px;color:#1c232b;">{{greeting}}</p>

        """

    private static let closing = """
        </td></tr>
        <tr><td class="soft" style="padding:16px 4px 0;font:14px/1.5 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;color:#46515e;">
        <p style="margin:0 0 8px;">{{reason}} <a href="{{preferences}}" class="soft" style="color:#46515e;">{{change}}</a></p>
        <p style="margin:0;">{{supplier}}{{#imprint}}<br>{{.}}{{/imprint}}</p>
        </td></tr>
        </table>
        </td></tr>
        </table>
        </body>
        </html>

        """
}

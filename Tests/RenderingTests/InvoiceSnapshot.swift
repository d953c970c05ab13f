// swift-format-ignore-file
// The mail of an invoice as it was agreed. A change of the layout changes it here too, on purpose.

enum InvoiceSnapshot {
    static let text = """
        Hello Ann Ames,

        New invoice
        New invoice INV-1001, due 2026-12-01

        Invoice number: INV-1001
        Account: Blue Harbor Café
        Due date: 2026-12-01

        To protect your information, amounts and comments are not shown in this e-mail. Open the portal to see the details.

        Open in the portal:
        https://portal.northwind.example/invoices/inv%2F81

        --
        Northwind Supply
        1 Harbour Road
        Springfield

        You are the default contact of your account, and Northwind Supply requires that at least one person gets “New invoice”. It cannot be turned off while that is you.
        See what else you get: https://portal.northwind.example/settings/notifications

        """

    static let html = """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <meta name="supported-color-schemes" content="light dark">
        <title>New invoice INV-1001, due 2026-12-01</title>
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
        <div style="display:none;max-height:0;overflow:hidden;">New invoice INV-1001, due 2026-12-01</div>
        <table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" class="page" style="background:#f3f5f8;">
        <tr><td align="center" style="padding:24px 12px;">
        <table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:560px;">
        <tr><td class="soft" style="padding:0 4px 12px;font:600 15px/1.4 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;color:#3c4653;">
        Northwind Supply
        </td></tr>
        <tr><td class="card" style="background:#ffffff;border-top:4px solid #1F4E79;border-radius:8px;padding:32px;font:16px/1.5 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;">
        <p class="ink" style="margin:0 0 16px;color:#1c232b;">Hello Ann Ames,</p>
        <h1 class="ink" style="margin:0 0 8px;font-size:22px;line-height:1.3;color:#1c232b;">New invoice</h1>
        <p class="ink" style="margin:0 0 16px;color:#1c232b;">New invoice INV-1001, due 2026-12-01</p>
        <table width="100%" cellpadding="0" cellspacing="0" border="0" style="margin:16px 0;font-size:16px;">
        <tr>
        <th scope="row" align="left" valign="top" class="soft rule" style="padding:8px 16px 8px 0;width:40%;border-top:1px solid #dfe4ea;font-weight:400;color:#46515e;">Invoice number</th>
        <td align="left" valign="top" class="ink rule" style="padding:8px 0;border-top:1px solid #dfe4ea;color:#1c232b;overflow-wrap:anywhere;">INV-1001</td>
        </tr>
        <tr>
        <th scope="row" align="left" valign="top" class="soft rule" style="padding:8px 16px 8px 0;width:40%;border-top:1px solid #dfe4ea;font-weight:400;color:#46515e;">Account</th>
        <td align="left" valign="top" class="ink rule" style="padding:8px 0;border-top:1px solid #dfe4ea;color:#1c232b;overflow-wrap:anywhere;">Blue Harbor Café</td>
        </tr>
        <tr>
        <th scope="row" align="left" valign="top" class="soft rule" style="padding:8px 16px 8px 0;width:40%;border-top:1px solid #dfe4ea;font-weight:400;color:#46515e;">Due date</th>
        <td align="left" valign="top" class="ink rule" style="padding:8px 0;border-top:1px solid #dfe4ea;color:#1c232b;overflow-wrap:anywhere;">2026-12-01</td>
        </tr>
        </table>
        <p class="soft" style="margin:16px 0;font-size:15px;color:#46515e;">To protect your information, amounts and comments are not shown in this e-mail. Open the portal to see the details.</p>
        <table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin:24px 0 8px;">
        <tr><td style="border-radius:6px;background:#1F4E79;">
        <a href="https://portal.northwind.example/invoices/inv%2F81" style="display:inline-block;padding:14px 28px;border-radius:6px;font-weight:600;text-decoration:none;color:#FFFFFF;">Open in the portal</a>
        </td></tr>
        </table>
        </td></tr>
        <tr><td class="soft" style="padding:16px 4px 0;font:14px/1.5 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;color:#46515e;">
        <p style="margin:0 0 8px;">You are the default contact of your account, and Northwind Supply requires that at least one person gets “New invoice”. It cannot be turned off while that is you. <a href="https://portal.northwind.example/settings/notifications" class="soft" style="color:#46515e;">See what else you get</a></p>
        <p style="margin:0;">Northwind Supply<br>1 Harbour Road<br>Springfield</p>
        </td></tr>
        </table>
        </td></tr>
        </table>
        </body>
        </html>

        """
}

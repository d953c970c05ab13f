/// The mail of one notification as HTML.
enum HTMLLayout {
    static let source = HTMLFrame.around(
        """
        <h1 class="ink" style="margin:0 0 8px;font-size:22px;line-height:1.3;color:#1c232b;">{{title}}</h1>
        {{#lead}}
        <p class="ink" style="margin:0 0 16px;color:#1c232b;">{{lead}}</p>
        {{/lead}}
        {{#hasDetails}}
        <table width="100%" cellpadding="0" cellspacing="0" border="0" style="margin:16px 0;font-size:16px;">
        {{#details}}
        <tr>
        <th scope="row" align="left" valign="top" class="soft rule" style="padding:8px 16px 8px 0;width:40%;border-top:1px solid #dfe4ea;font-weight:400;color:#46515e;">{{label}}</th>
        <td align="left" valign="top" class="ink rule" style="padding:8px 0;border-top:1px solid #dfe4ea;color:#1c232b;overflow-wrap:anywhere;">{{#href}}<a href="{{href}}" class="ink" style="color:#1c232b;">{{text}}</a>{{/href}}{{^href}}{{#lines}}{{.}}{{^last()}}<br>{{/last()}}{{/lines}}{{/href}}</td>
        </tr>
        {{/details}}
        </table>
        {{/hasDetails}}
        {{#hidden}}
        <p class="soft" style="margin:16px 0;font-size:15px;color:#46515e;">{{hidden}}</p>
        {{/hidden}}
        <table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin:24px 0 8px;">
        <tr><td style="border-radius:6px;background:{{accent}};">
        <a href="{{link}}" style="display:inline-block;padding:14px 28px;border-radius:6px;font-weight:600;text-decoration:none;color:{{onAccent}};">{{action}}</a>
        </td></tr>
        </table>

        """)
}

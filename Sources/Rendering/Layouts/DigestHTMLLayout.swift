/// The mail of a digest as HTML: a list for each category, each line a link into the portal.
enum DigestHTMLLayout {
    static let source = HTMLFrame.around(
        """
        <h1 class="ink" style="margin:0 0 8px;font-size:22px;line-height:1.3;color:#1c232b;">{{title}}</h1>
        {{#groups}}
        <h2 class="ink" style="margin:24px 0 4px;font-size:17px;line-height:1.3;color:#1c232b;">{{category}}</h2>
        <table width="100%" cellpadding="0" cellspacing="0" border="0" role="presentation" style="font-size:16px;">
        {{#entries}}
        <tr><td align="left" valign="top" class="rule" style="padding:8px 0;border-top:1px solid #dfe4ea;overflow-wrap:anywhere;">
        <a href="{{link}}" class="ink" style="color:#1c232b;">{{line}}</a><br>
        <span class="soft" style="font-size:14px;color:#46515e;">{{#kind}}{{kind}}, {{/kind}}{{time}}</span>
        </td></tr>
        {{/entries}}
        </table>
        {{/groups}}
        {{#more}}
        <p class="ink" style="margin:16px 0;color:#1c232b;"><a href="{{portal}}" class="ink" style="color:#1c232b;">{{more}}</a></p>
        {{/more}}
        {{#hidden}}
        <p class="soft" style="margin:16px 0;font-size:15px;color:#46515e;">{{hidden}}</p>
        {{/hidden}}
        <table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin:24px 0 8px;">
        <tr><td style="border-radius:6px;background:{{accent}};">
        <a href="{{portal}}" style="display:inline-block;padding:14px 28px;border-radius:6px;font-weight:600;text-decoration:none;color:{{onAccent}};">{{action}}</a>
        </td></tr>
        </table>

        """)
}

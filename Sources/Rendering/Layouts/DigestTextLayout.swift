/// The mail of a digest as plain text.
enum DigestTextLayout {
    static let source = """
        {{% CONTENT_TYPE:TEXT}}
        {{greeting}}

        {{title}}
        {{#groups}}

        {{category}}

        {{#entries}}
        - {{line}}
          {{#kind}}{{kind}}, {{/kind}}{{time}}
          {{link}}
        {{/entries}}
        {{/groups}}
        {{#more}}

        {{more}}
        {{/more}}
        {{#hidden}}

        {{hidden}}
        {{/hidden}}

        {{action}}:
        {{portal}}

        --
        {{supplier}}
        {{#imprint}}
        {{.}}
        {{/imprint}}

        {{reason}}
        {{change}}: {{preferences}}

        """
}

/// The mail as plain text.
enum TextLayout {
    static let source = """
        {{% CONTENT_TYPE:TEXT}}
        {{greeting}}

        {{title}}
        {{#lead}}
        {{lead}}
        {{/lead}}
        {{#hasDetails}}

        {{#details}}
        {{label}}: {{text}}
        {{/details}}
        {{/hasDetails}}
        {{#hidden}}

        {{hidden}}
        {{/hidden}}

        {{action}}:
        {{link}}

        --
        {{supplier}}
        {{#imprint}}
        {{.}}
        {{/imprint}}

        {{reason}}
        {{change}}: {{preferences}}

        """
}

"""Tables as files: spreadsheet, page, Markdown, terminal, CSV, figures."""

def test_web_page(read):
    page = """<!doctype html><html><head><title>Shop</title><style>p {}</style></head><body>
    <nav><a href="/">Home</a></nav><script>var x = 1</script>
    <h1>Prices</h1><p>All   in <b>euros</b>.<br>Today.</p><p style="display: none">hidden</p>
    <p><b>Fruit</b></p><ul><li>Apples<ul><li>red</li></ul></li><li><p>Pears</p></li></ul>
    <table><tr><th>Kind</th><th>Price</th></tr><tr><td>Apple</td><td>$</td><td>2</td></tr></table>
    <table role="presentation"><tr><td><p>Left</p></td><td><p>Right</p></td></tr></table>
    <pre>a\n  b</pre></body></html>"""
    assert read("a.html", page) == [
        ("title", "Prices"),
        ("text", "All in euros.\nToday."),
        ("title", "Fruit"),
        ("list_item", "Apples"),
        ("list_item", "red"),
        ("list_item", "Pears"),
        ("table", "Kind | Price\nApple | $2"),
        ("text", "Left"),
        ("text", "Right"),
        ("code", "a\n  b"),
    ]


def test_a_web_page_names_its_own_encoding(read):
    page = "<html><head><meta charset='windows-1251'></head><body>Привет всем</body></html>"
    assert read("a.html", page.encode("cp1251")) == [("text", "Привет всем")]

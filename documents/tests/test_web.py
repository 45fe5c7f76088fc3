import pytest


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


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("<msup><mi>x</mi><mn>2</mn></msup>", "x^2"),
        ("<msub><mi>a</mi><mrow><mi>i</mi><mo>+</mo><mn>1</mn></mrow></msub>", "a_(i+1)"),
        ("<msubsup><mi>N</mi><mi>s</mi><mi>H</mi></msubsup>", "N_s^H"),
        ("<mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mi>c</mi></mfrac>", "(a+b)/c"),
        ("<msqrt><mi>b</mi><mo>-</mo><mi>c</mi></msqrt>", "√(b-c)"),
        ("<mroot><mi>x</mi><mn>3</mn></mroot>", "3√x"),
        ("<munderover><mo>∑</mo><mi>k</mi><mi>n</mi></munderover><mi>k</mi>", "∑_k^nk"),
        ("<mover><mi>x</mi><mo>¯</mo></mover>", "¯x"),
        ("<mover><mi>x</mi><mrow><mi>a</mi><mi>b</mi></mrow></mover>", "x^ab"),
        ("<mfenced><mi>a</mi><mi>b</mi></mfenced>", "(a,b)"),
        ("<mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>2</mn></mtd></mtr></mtable>", "[1 2]"),
        ("<mi>a</mi><mtext>if</mtext><mi>b</mi>", "a if b"),
        ("<mi>sin</mi><mo>&#x2061;</mo><mi>x</mi>", "sin x"),
        ("<semantics><mi>a</mi><annotation>\\alpha</annotation></semantics>", "a"),
    ],
)
def test_a_formula_is_one_line(read, made, said):
    assert read("a.html", f"<p>So <math>{made}</math> holds.</p>") == [
        ("text", f"So {said} holds.")
    ]


def test_a_formula_that_mediawiki_shows_as_a_picture(read):
    page = r'<p>So <span style="display: none"><math><mi>x</mi></math></span>'
    page += r'<img alt="{\displaystyle x^{2}}"> holds.</p>'
    assert read("a.html", page) == [("text", "So x^{2} holds.")]

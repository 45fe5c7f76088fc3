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


BODY = "<p>" + "Boil the water. " * 20 + "</p>"


@pytest.mark.parametrize(
    ("before", "titles"),
    [
        ("<header><h1>How to brew tea</h1><p>by Ann</p></header>", ["How to brew tea"]),
        ("<div><h1>Tea</h1></div><div><h1>More</h1></div>", ["Tea"]),
        ("<h1><a href='/'><img alt='Acme'></a></h1>", []),
        ("<header role='banner'><h1>Acme</h1></header>", []),
        ("<nav><h1>Acme</h1></nav><h1>Tea</h1>", ["Tea"]),
    ],
)
def test_the_heading_above_the_main_part_is_kept_once(read, before, titles):
    page = f"<title>Acme | Tea</title><body>{before}<main>{BODY}</main><h1>Related</h1></body>"
    assert [text for kind, text in read("a.html", page) if kind == "title"] == titles


def test_scripts_are_no_text_beside_the_main_part(read):
    page = f"<body><p>Menu</p><main>{BODY}</main><script>{'x = 1; ' * 99}</script></body>"
    assert ("text", "Menu") not in read("a.html", page)


@pytest.mark.parametrize("tag", ["header role=banner", "noscript", "nav"])
def test_a_page_whose_menu_does_not_end_is_read(read, tag):
    page = f"<body><{tag}><ul><li>Home</li></ul><div>{BODY}</div></body>"
    assert read("a.html", page)[-1][1] in BODY


def test_a_heading_in_the_main_part_stands_alone(read):
    page = f"<body><h1>Acme</h1><main><h1>Tea</h1>{BODY}</main></body>"
    assert [text for kind, text in read("a.html", page) if kind == "title"] == ["Tea"]


def test_pictures_in_headings_and_cells_are_described_and_a_caption_stands_once(read):
    page = """<h1><img alt="Acme"> report</h1><table><tr><th>Feature</th><th>Free</th></tr>
    <tr><td>Sync</td><td><img alt="yes"><a href="/"><img alt="Next page"></a></td></tr></table>
    <figure><img alt="A map of  the port"><figcaption>A map of the port</figcaption></figure>
    <figure><img alt="Ships"><figcaption>The port</figcaption></figure>"""
    assert read("a.html", page) == [
        ("title", "Acme report"),
        ("table", "Feature | Free\nSync | yes"),
        ("text", "A map of the port"),
        ("text", "Ships"),
        ("text", "The port"),
    ]


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ("<ol><li>a<li>b</ol>", ["1. a", "2. b"]),
        ("<ol start=3><li>a<li value=7>b<li>c</ol>", ["3. a", "7. b", "8. c"]),
        ("<ol start=0 type=1><li>a<li>b</ol>", ["0. a", "1. b"]),
        ("<ol reversed><li>a<li>b</ol>", ["2. a", "1. b"]),
        ("<ol type=a start=27><li>a<li type=I value=4>b</ol>", ["aa. a", "IV. b"]),
        ("<ol style='list-style-type: lower-roman'><li>a<li>b</ol>", ["i. a", "ii. b"]),
        ("<ol style='list-style: none'><li>a<li>b</ol>", ["a", "b"]),
        ("<ol><li>(1) a<li>2) b<li>3.5 c</ol>", ["(1) a", "2) b", "3. 3.5 c"]),
        ("<ol><li>a<ul><li>b</ul><ol><li>c</ol>d<li>e</ol>", ["1. a", "b", "1. c", "d", "2. e"]),
        ("<ol><li><p>a</p><li><h3>b</h3><li hidden>c<li>d</ol>", ["1. a", "2. b", "3. d"]),
        ("<ol start=x><li>a<li value=99999999>b</ol>", ["1. a", "2. b"]),
        ("<ul type=1><li>a<li>b</ul>", ["a", "b"]),
    ],
)
def test_items_have_the_numbers_that_are_seen(read, items, said):
    assert [text for _, text in read("a.html", f"<p>Do:</p>{items}")][1:] == said


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("ol {list-style: none}", ["a", "b"]),
        (".x, h1 {color: red; list-style-type:none}", ["a", "b"]),
        ("/* } */ ol#y{ list-style:none }", ["a", "1. b"]),
        (".x {list-style: lower-roman} #y {list-style: none}", ["a", "i. b"]),
        ("@media print { p {color: red} ol.x {list-style: none} }", ["1. a", "1. b"]),
        ("ol {list-style: none} main ol {list-style: decimal}", ["1. a", "1. b"]),
        ("@import url(a.css); ol {list-style: none}", ["1. a", "1. b"]),
        ("main ol {list-style: none}", ["1. a", "1. b"]),
    ],
)
def test_a_style_sheet_in_the_page_may_take_the_numbers_of_lists(read, rules, said):
    lists = "<ol class='w x' id=y><li>a</ol><ol class=x><li>b</ol>"
    lists += "<ol class=x style='list-style: decimal'><li>c</ol>"
    page = f"<style>{rules}</style><body><p>Do:</p>{lists}"
    assert [text for _, text in read("a.html", page)][1:] == [*said, "1. c"]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("10<sup>6</sup> m<sup>2</sup>", "10⁶ m²"),
        ("10<sup>−3</sup> x<sup>n+1</sup>", "10⁻³ xⁿ⁺¹"),
        ("a word<sup><a href='#n'>1</a></sup>", "a word¹"),
        ("1<sup>st</sup> [a]<sup>[2]</sup>", "1st [a][2]"),
        ("CO<sub>2</sub>", "CO2"),
        ("10<sup>1.5</sup> or 2<sup>-1/2</sup>", "10^1.5 or 2^(-1/2)"),
        ("of 20<sup>2,3</sup>, 5<sup>[4]</sup>", "of 20^(2,3), 5[4]"),
        ("1010<sub>2</sub>, log<sub>2</sub>8", "1010₂, log₂8"),
        ("10<span style='vertical-align: super'>6</span>", "10⁶"),
        ("one<a role='doc-noteref'><sup>1</sup></a>", "one[1]"),
        ("one<sup><a role='doc-noteref'>1</a></sup>", "one[1]"),
        ("<ruby>漢字<rt>かんじ</rt></ruby>", "漢字(かんじ)"),
        ("<ruby>漢字<rp>(</rp><rt>かんじ</rt><rp>)</rp></ruby>", "漢字(かんじ)"),
    ],
)
def test_raised_signs_do_not_run_on(read, made, said):
    assert read("a.html", f"<h1>So {made} it is</h1><p>Yes: {made}.</p>")[1] == (
        "text",
        f"Yes: {said}.",
    )


@pytest.mark.parametrize("tag", ["main", "article", "section", "header", "details"])
def test_a_page_need_not_say_where_its_body_begins(read, tag):
    page = f"<!doctype html><meta charset=utf-8><title>A title</title><{tag}>Words.</{tag}><p>More."
    assert read("a.html", page) == [("title", "A title"), ("text", "Words."), ("text", "More.")]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("80 <del>100</del><ins>90</ins> EUR", "80 90 EUR"),
        ("<s>100</s>80, <strike>9</strike><b>8</b>, un<s>i</s>x", "100 80, 9 8, unix"),
        ("<q>a <q>b</q></q> or <q>“c”</q>", "“a ‘b’” or “c”"),
        ("<span>$9</span><span aria-hidden=true>$9<i>00</i></span> each", "$9 each"),
        ("<i aria-hidden='true'>home</i><i aria-hidden=false>x</i>", "x"),
    ],
)
def test_what_is_deleted_struck_quoted_or_shown_twice(read, made, said):
    table = f"<table><tr><th>A<th>B<tr><td>1<td>{made}</table>"
    assert read("a.html", f"<p>Now {made}.</p>{table}") == [
        ("text", f"Now {said}."),
        ("table", f"A | B\n1 | {said}"),
    ]


def test_what_is_hidden_until_somebody_looks_for_it_is_read(read):
    page = "<div hidden=until-found><p>Later</p></div><p hidden>Never</p><p hidden=hidden>No</p>"
    assert read("a.html", f"{page}<div aria-hidden=true>Behind</div>") == [
        ("text", "Later"),
        ("text", "Behind"),
    ]


def test_a_heading_that_is_a_button_only_is_one(read):
    page = "<h2><button>What is <b>it</b>?</button></h2><p>A.</p><h2>B <button>Copy</button></h2>"
    assert read("a.html", page) == [("title", "What is it?"), ("text", "A."), ("title", "B")]


@pytest.mark.parametrize(
    "page",
    [
        "<my-app><p>Words.</p></my-app><p>More.",
        "<link href=x><my-menu></my-menu><my-app>Words.</my-app><style>p{}</style><p>More.",
        "<picture><img alt='Words.'></picture> <p>More.",
        "<my-app>Words.</my-app> <svg></svg> <template>x</template><my-app><p>More.</my-app>",
    ],
)
def test_a_page_may_begin_with_elements_that_nobody_knows(read, page):
    assert read("a.html", f"<title>A title</title>{page}") == [
        ("title", "A title"),
        ("text", "Words."),
        ("text", "More."),
    ]


def test_text_stays_behind_the_elements_that_nobody_knows(read):
    page = "<title>A title</title><my-app>One</my-app> two <p>Three."
    assert [text for _, text in read("a.html", page)] == ["A title", "One two", "Three."]


def test_menus_of_the_page_in_other_languages_are_left_out(read):
    menu = "".join(f'<li><a href="/{code}" hreflang="{code}">{code}</a>' for code in ("af", "de"))
    page = f"<main><h1>Rain</h1><ul>{menu}</ul><p>It rains.</p><ul><li>a<li>b</ul></main>"
    assert read("a.html", page) == [
        ("title", "Rain"),
        ("text", "It rains."),
        ("list_item", "a"),
        ("list_item", "b"),
    ]

def test_rich_text_and_restructured_text(read, tmp_path):
    (tmp_path / "secret").write_text("secret words")
    assert read("a.rtf", r"{\rtf1\ansi Caf\'e9 {\b bold}\par Second}") == [
        ("text", "Café bold"),
        ("text", "Second"),
    ]
    source = f"Title\n=====\n\nWords.\n\n.. raw:: html\n   :file: {tmp_path}/secret\n"
    assert "secret" not in str(read("a.rst", source))

import struct

import numpy as np
import pytest

from notebook.stack.embedder.weights import HIDDEN, SHA256, Weights, WeightsError, find_file


def test_weights_with_another_sha256_are_refused(tmp_path):
    path = tmp_path / "e5-small-q4.bin"
    path.write_bytes(b"E5S1 but not ours")
    with pytest.raises(WeightsError, match=f"not {SHA256}"):
        Weights(path)


def test_a_row_of_the_word_table_is_dequantised_as_the_format_says(weights):
    row = 41
    start = 4_638_272 + row * 12 * 18  # where the file's directory puts emb.word
    with find_file().open("rb") as file:
        file.seek(start)
        scale, *nibbles = struct.unpack("<e16B", file.read(18))
    expected = [((byte & 15) - 8) * scale for byte in nibbles]
    expected += [((byte >> 4) - 8) * scale for byte in nibbles]
    words = weights.words(np.array([0, row], np.int32))
    assert words.shape == (2, HIDDEN)
    assert words[1, :32].tolist() == expected


def test_the_vocabulary_is_that_of_xlm_roberta(weights):
    vocabulary = weights.vocabulary()
    assert len(vocabulary.pieces) == 250002
    assert vocabulary.pieces[:5] == ["<s>", "<pad>", "</s>", "<unk>", ","]
    assert vocabulary.replacements[0xFB01] == "fi"

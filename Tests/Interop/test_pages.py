"""Reports as pages, in a real browser."""

import json

import numpy as np
import pytest

import browser as browsers
from containers import safetensors_bytes

HOSTILE = "blk.0.<img src=x onerror=alert()></script><!--\u2028\"'&lt;.weight"
# What the table of tensors shows: a list of rows of words.
ROWS = "[...document.querySelectorAll('#tensors tbody tr')].map(r => [...r.cells].map(c => c.innerText))"
HEADS = "[...document.querySelectorAll('#tensors thead th')].map(h => h.innerText.trim())"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    path = browsers.find()
    if path is None:
        pytest.skip("there is no browser here; `apt-get install chromium` has one")
    browser = browsers.Browser(path, tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def page(kerf, model, folder):
    """The report of a conversion of the sample model, and the same as JSON."""
    path = folder / "model.html"
    result = kerf(
        "convert", model, folder / "x.gguf", "--to", "q4_K_M", "--report", path, "--json")
    return path, json.loads(result.out)


@pytest.fixture(scope="module")
def comparison(kerf, model, page, folder):
    """The report of a comparison of the sample model with what became of it."""
    path = folder / "comparison.html"
    kerf("measure", model, folder / "x.gguf", "--report", path)
    return path


@pytest.fixture(scope="module")
def sweep(kerf, layer, folder):
    """The report of a sweep over one layer, and the same as JSON."""
    path = folder / "sweep.html"
    result = kerf("sweep", layer, "--sample", "5%", "--no-matmul", "--html", path, "--json")
    return path, json.loads(result.out)


@pytest.fixture(scope="module")
def many(kerf, folder):
    """The report of 10,000 tensors."""
    tensor = np.random.default_rng(1).standard_normal((2, 32), np.float32)
    names = [
        f"model.layers.{layer}.mlp.experts.{expert}.{part}.weight" for layer in range(100)
        for expert in range(33) for part in ["gate_proj", "up_proj", "down_proj"]]
    names += [f"model.layers.{layer}.self_attn.q_proj.weight" for layer in range(100)]
    source = folder / "many.safetensors"
    # The last loses most by far: one large weight leaves nothing of the others.
    worst = np.full((2, 32), 0.45, np.float32)
    worst[:, 0] = 8
    tensors = {name: ("F32", tensor) for name in names}
    source.write_bytes(safetensors_bytes(tensors | {names[-1]: ("F32", worst)}))
    path = folder / "many.html"
    kerf("convert", source, folder / "many.gguf", "--to", "q4_0", "--pure", "--report", path)
    return path


@pytest.mark.parametrize("width, dark", [(1280, False), (390, True)], ids=["wide", "narrow-dark"])
@pytest.mark.parametrize("kind", ["page", "comparison", "sweep"])
def test_it_opens_by_itself(request, browser, kind, width, dark):
    path = request.getfixturevalue(kind)
    path = path[0] if isinstance(path, tuple) else path
    with browser.open(path, width=width, dark=dark) as page:
        assert page.complaints == []
        assert page.requests == []
        # Tables move within themselves; the page does not move sideways.
        assert page.run("document.documentElement.scrollWidth") <= width
        paper = page.run("getComputedStyle(document.body).backgroundColor")
        lightness = sum(map(int, paper.strip("rgb()").split(",")))
        assert lightness < 200 if dark else lightness > 600


def test_it_says_what_the_json_says(browser, page):
    path, report = page
    with browser.open(path) as page:
        heads, rows = page.run(HEADS), page.run(ROWS)
    column = {name: heads.index(name) for name in heads}
    assert [row[0] for row in rows] == [tensor["name"] for tensor in report["tensors"]]
    for row, tensor in zip(rows, report["tensors"]):
        assert row[column["to"]] == tensor["format"]
        assert row[column["bytes"]] == f"{tensor['bytes']:,}"
        sqnr = tensor["sqnr_db"]
        if sqnr is not None:
            assert row[column["SQNR, dB"]] == f"{sqnr:.2f}"
            assert row[column["RMSE"]] == f"{tensor['rmse']:.2e}"
        else:
            assert row[column["SQNR, dB"]] in ("exact", "–")


def test_columns_sort(browser, page):
    with browser.open(page[0]) as page:
        column = page.run(HEADS).index("SQNR, dB")
        head = f"document.querySelectorAll('#tensors thead th')[{column}]"
        before = [row[0] for row in page.run(ROWS)]

        def click():
            page.run(f"{head}.querySelector('button').click()")
            rows = page.run(ROWS)
            figures = [row[column] for row in rows]
            return page.run(f"{head}.getAttribute('aria-sort')"), figures, rows

        direction, figures, _ = click()
        numbers = [float(figure) for figure in figures if figure not in ("exact", "–")]
        assert direction == "ascending" and len(numbers) > 30
        assert figures == [f"{number:.2f}" for number in sorted(numbers)] + sorted(
            figures[len(numbers):], reverse=False, key=lambda figure: figure == "–")
        direction, figures, _ = click()
        assert direction == "descending" and figures[-1] == "–" and figures[0] == "exact"
        direction, _, rows = click()
        assert direction is None and [row[0] for row in rows] == before
        assert page.complaints == []


def test_rows_are_filtered(browser, page):
    with browser.open(page[0]) as page:
        page.run("document.querySelector('input[type=search]').focus()")
        page.call("Input.insertText", text="Layer.3 Q5_0")
        page.run("new Promise(done => setTimeout(done, 150))")
        names = [row[0] for row in page.run(ROWS)]
        assert names and all("layer.3." in name for name in names)
        said = page.run("document.querySelector('output').textContent")
        assert said == f"{len(names)} of 104 tensors"


def test_the_map_shows_what_is_chosen(browser, page):
    cells = "[...document.querySelectorAll('.heat td[data-c]')].map(c => c.innerText)"
    with browser.open(page[0]) as page:
        losses = page.run(cells)
        page.run("""{
            const view = document.getElementById("view");
            view.value = "1";
            view.dispatchEvent(new Event("change"));
        }""")
        bits = page.run(cells)
        assert len(bits) == len(losses)
        assert {"4.5", "5.5", "6.6", "8.5"} >= set(bits)
        assert not set(bits) & set(losses) - {"8.5"}


def test_the_map_is_walked_with_keys(browser, page):
    with browser.open(page[0]) as page:
        page.run("document.querySelector('.heat td[data-c]').focus()")
        page.key("ArrowRight")
        page.key("ArrowDown")
        told = page.run("document.getElementById('readout').textContent")
        assert told.startswith("layer 1, attention key (encoder.layer.1.attention.self.key.weight)")
        assert told == page.run("document.activeElement.title")


def test_ten_thousand_tensors(browser, many):
    with browser.open(many, width=390) as page:
        count = "document.querySelectorAll('#tensors tbody tr').length"
        assert page.run(count) == 300
        assert page.run("document.documentElement.scrollWidth") <= 390
        page.run("document.querySelector('button.more').click()")
        assert page.run(count) == 600
        # Those of an expert layer are one cell.
        assert page.run("document.querySelectorAll('.heat td[data-c]').length") == 400
        column = page.run(HEADS).index("SQNR, dB")
        page.run(f"document.querySelectorAll('#tensors thead button')[{column}].click()")
        assert page.run(count) == 300
        assert page.run(ROWS)[0][0] == "model.layers.99.self_attn.q_proj.weight"
        page.run("document.querySelector('input[type=search]').focus()")
        page.call("Input.insertText", text="layers.73.mlp.experts.32.")
        page.run("new Promise(done => setTimeout(done, 200))")
        assert len(page.run(ROWS)) == 3
        assert page.complaints == []


def test_the_picture_of_a_sweep(browser, sweep):
    path, report = sweep
    lossy = {row["format"]: row for row in report["formats"] if row["sqnr_db"] is not None}
    small = {name for name, row in lossy.items() if row["bits_per_weight"] <= 9}
    with browser.open(path) as page:
        # Every small format is a point with its name, once in each of two sizes.
        names = page.run("[...document.querySelectorAll('.large .label')].map(t => t.textContent)")
        assert sorted(names) == sorted(small)
        rows = page.run(
            "[...document.querySelectorAll('#formats tbody tr')]"
            ".map(r => [...r.cells].map(c => c.innerText))")
        assert [row[0] for row in rows] == [row["format"] for row in report["formats"]]
        for row in rows:
            if row[0] in lossy:
                assert row[3] == f"{lossy[row[0]]['sqnr_db']:.2f}"
        # A point leads to the format's row, and to its map.
        page.run("document.querySelector('.large a[href=\"#formats-q8_0\"] circle')"
                 ".dispatchEvent(new MouseEvent('click', {bubbles: true}))")
        shown = page.run("document.getElementById('view').selectedOptions[0].textContent")
        assert shown == "q8_0"
        assert page.run("document.querySelector('tr:target').id") == "formats-q8_0"
        assert page.complaints == [] and page.requests == []


def test_without_scripts_all_is_there_to_read(browser, page):
    with browser.open(page[0], scripts=False) as shown:
        document = shown.call("DOM.getDocument", depth=0)["root"]["nodeId"]

        def count(selector):
            return len(shown.call(
                "DOM.querySelectorAll", nodeId=document, selector=selector)["nodeIds"])

        assert count("#tensors tbody tr") == 104
        assert count(".heat td.c") > 30
        assert count(".js:not([hidden])") == 0


def test_names_are_text(browser, kerf, folder):
    source, path = folder / "hostile.safetensors", folder / "hostile.html"
    weight = np.random.default_rng(1).standard_normal((4, 32), np.float32)
    source.write_bytes(safetensors_bytes({HOSTILE: ("F32", weight)}))
    kerf("convert", source, folder / "hostile.gguf", "--to", "q4_0", "--report", path)
    with browser.open(path) as page:
        assert page.complaints == []
        assert page.run("document.querySelectorAll('img').length") == 0
        assert page.run(ROWS)[0][0] == HOSTILE.replace("\u2028", "\ufffd")
        assert HOSTILE.replace("\u2028", "\ufffd") in page.run(
            "document.querySelector('.heat td[data-c]').title")

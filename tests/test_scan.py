"""The scan of every model type: what a row says, that it goes on after a kill, what is counted."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from importlib.metadata import version

import pytest
from transformers import logging

from normlab import cli
from normlab.chapters.norms_in_the_wild import load_scan
from normlab.chapters.norms_in_the_wild.scanned_models import ScannedModels
from normlab.inspection.scan import COLUMNS, folders, read_scan, scan, summarize
from normlab.inspection.scan.own_layers import layers_in, own_layers
from normlab.inspection.scan.releases import RELEASES, releases
from normlab.inspection.scan.rows import ScanFile
from normlab.inspection.scan.summary import kind_of_failure, rows_of_role
from normlab.inspection.scan.units import models_path, units_of
from normlab.inspection.scan.work import read_folder
from normlab.inspection.small_models import small_model
from normlab.tools import Processes
from normlab.tools.stored_rows import read_rows

logging.set_verbosity_error()
FEW = ("bert", "clip", "gemma3", "llama", "llava", "olmo2", "qwen3", "t5", "vit")
KINDS = {"wiring", "norms", "nothing", "parts", "other folders", "failed"}


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    out = tmp_path_factory.mktemp("scan") / "few.csv"
    with Processes(1) as executor:
        scan(out, executor, FEW)
    return read_scan(out)


def row_of(rows, layer):
    return next(row for row in rows if row["layer"] == layer)


def test_a_row_says_what_a_layer_is(few):
    llama = row_of(few, "LlamaDecoderLayer")
    assert (llama["norm"], llama["gain"], llama["bias"]) == ("RMSNorm", "weight", "no")
    assert (llama["eps"], llama["released_eps"], llama["year"]) == ("1e-06", "1e-06, 1e-05", "2023")
    assert (llama["norms_on_wiring"], llama["inner_norms"], llama["qk_norm"]) == ("2", "0", "no")
    assert (llama["placement"], llama["final_norm"]) == ("pre-norm", "yes")
    assert (llama["role"], llama["level"]) == ("text decoder", "own")
    assert llama["transformers"] == version("transformers")


@pytest.mark.parametrize(
    ("layer", "column", "value"),
    [
        ("Qwen3DecoderLayer", "qk_norm", "RMSNorm per head"),
        ("Olmo2DecoderLayer", "qk_norm", "RMSNorm all heads"),
        ("Olmo2DecoderLayer", "placement", "reordered-norm"),
        ("Gemma3DecoderLayer", "placement", "peri-norm"),
        ("Gemma3DecoderLayer", "gain", "1 + weight"),
        ("BertLayer", "placement", "post-norm"),
        ("BertLayer", "embedding_norm", "yes"),
        ("CLIPEncoderLayer", "role", "text encoder"),
        ("ViTLayer", "role", "vision"),
        ("T5Block", "role", "encoder-decoder"),
    ],
)
def test_what_is_known_of_a_layer_is_read(few, layer, column, value):
    assert row_of(few, layer)[column] == value


def test_a_model_of_other_folders_layers_says_so(few):
    rows = [row for row in few if row["folder"] == "llava"]
    assert [row["outcome"] for row in rows] == ["parts"]
    assert not own_layers(models_path() / "llava")


def test_a_convolution_with_a_batch_norm_is_no_layer_with_a_norm():
    made = """class Layer:
    def __init__(self):
        self.norm = {}
    def forward(self, x):
        return x + x"""
    for other in ("ConvNormLayer(8)", "nn.BatchNorm2d(8)", "weight_norm(conv)", "NormalOutput()"):
        assert layers_in(made.format(other)) == []
    assert layers_in(made.format("AdaLayerNormZero(8)")) == ["Layer"]


@pytest.mark.parametrize(
    ("folder", "config", "role"),
    [
        ("blt", "BltGlobalTransformerConfig", "text decoder"),  # a part of a decoder
        ("t5gemma2", "T5Gemma2TextConfig", "encoder-decoder"),
        ("t5gemma2", "T5Gemma2DecoderConfig", "encoder-decoder"),
        ("pix2struct", "Pix2StructTextConfig", "encoder-decoder"),
        ("gemma3", "Gemma3TextConfig", "text decoder"),
        ("clip", "CLIPTextConfig", "text encoder"),
    ],
)
def test_a_part_is_for_what_it_is_a_part_of(folder, config, role):
    assert {unit.config: unit.role for unit in units_of(folder)}[config] == role


def test_of_a_configuration_the_model_with_layers_of_the_folder_is_read():
    (row,) = read_folder("pp_ocrv5_mobile_rec")
    assert (row["layer"], row["placement"]) == ("PPOCRV5MobileRecBlock", "pre-norm")


def test_layers_of_every_type_are_read_where_the_first_two_are_alike():
    config = small_model(units_of("qwen3_next")[0].kind()).config
    assert set(config.layer_types) == {"linear_attention", "full_attention"}


def test_a_scan_that_is_killed_goes_on(tmp_path):
    out = tmp_path / "scan.csv"
    names = ["albert", "bert", "gpt2", "llama"]
    command = [sys.executable, "-m", "normlab", "scan", "--out", str(out), "--workers", "1"]
    process = subprocess.Popen([*command, "--only", *names], start_new_session=True)
    while not out.exists() or out.read_text().count("\n") < 2:
        assert process.poll() is None
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    there = read_scan(out)
    assert 0 < len(there) < 4
    out.write_text(out.read_text() + "gpt2,1/2,GPT2Conf")  # torn by the kill
    assert subprocess.run([*command, "--only", *names], timeout=300).returncode == 0
    rows = read_scan(out)
    assert sorted({row["folder"] for row in rows}) == names
    assert [row for row in rows if row["folder"] == "albert"] == there[:1]


def test_a_dask_cluster_gives_the_same_rows(few, tmp_path):
    distributed = pytest.importorskip("distributed")
    out = tmp_path / "scan.csv"
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        address = cluster.scheduler_address
        assert cli.main(["scan", "--out", str(out), "--dask", address, "--only", "bert"]) == 0
    (row,) = read_scan(out)
    (known,) = [known for known in few if known["folder"] == "bert"]
    assert row | {"started": "", "command": ""} == known | {"started": "", "command": ""}


def test_a_folder_of_which_some_rows_are_missing_is_read_again(tmp_path, few):
    out = tmp_path / "scan.csv"
    file = ScanFile(out)
    file.append([row for row in few if row["folder"] in ("bert", "t5")])
    whole = out.read_text().splitlines(keepends=True)
    out.write_text("".join(whole[:-1]))
    assert {row["folder"] for row in ScanFile(out).rows} == {"bert"}


def test_what_is_no_scan_is_refused_and_stays(tmp_path, capsys):
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    assert cli.main(["scan", "--out", str(other), "--only", "llama"]) == 2
    assert "other columns than a scan writes" in capsys.readouterr().err
    assert other.read_text() == "a,b\n1,2\n"
    assert cli.main(["scan", "--summary", str(other)]) == 2
    assert "it alone has a, b. Name another file." in capsys.readouterr().err
    assert cli.main(["scan", "--summary", str(tmp_path / "no.csv")]) == 2
    assert "`normlab scan --out" in capsys.readouterr().err
    assert cli.main(["scan", "--out", str(tmp_path / "new.csv"), "--only", "lama"]) == 2
    assert "no folder lama" in capsys.readouterr().err


def test_a_summary_has_its_denominators(few, tmp_path, capsys):
    counts = summarize(few)
    (decoders,) = [row for row in counts.coverage.rows if str(row[0]).startswith("decoders")]
    assert (decoders[2], decoders[4]) == (4, "4 of 4 (100 %)")
    assert ["2023", "1 of 1 (100 %)", ""] in [list(row) for row in counts.years.rows]
    assert ["pre-norm", "2 of 4 (50 %)"] in [list(row) for row in counts.placements.rows]


def test_failures_that_are_alike_count_together():
    missing = "TypeError: forward() missing 1 required positional argument: 'image'"
    assert kind_of_failure(missing) == "it needs an argument that is not known"
    assert kind_of_failure("KeyError: 'full_attention'") == "KeyError"


def test_what_is_stored_of_a_folder_is_stored_once_and_whole():
    rows = load_scan()
    assert tuple(rows[0]) == COLUMNS
    assert {row["outcome"] for row in rows} <= KINDS
    assert {row["folder"] for row in rows} <= {*folders()}
    parts = Counter(row["folder"] for row in rows)
    assert all(row["part"].endswith(f"/{parts[row['folder']]}") for row in rows)
    assert all(row["placement"] and row["equations"] for row in rows if row["outcome"] == "wiring")
    assert all(row["reason"] for row in rows if row["outcome"] != "wiring")
    assert {row["transformers"] for row in rows} == {version("transformers")}


def test_nearly_every_decoder_of_the_library_is_stored_with_its_wiring():
    (decoders,) = [
        row for row in summarize(load_scan()).coverage.rows if str(row[0]).startswith("decoders")
    ]
    read, _, every, *_ = str(decoders[4]).split()
    assert int(every) > 160
    assert int(read) > 0.94 * int(every)


def test_of_folders_with_layers_of_their_own_nearly_all_are_stored_with_norms_and_wiring():
    (every,) = [row for row in summarize(load_scan()).coverage.rows if row[0] == "all"]
    norms, wirings = (int(str(cell).split()[0]) for cell in every[3:5])
    assert int(str(every[2])) > 440
    assert norms > 0.96 * int(str(every[2]))
    assert wirings > 0.92 * int(str(every[2]))


def test_the_stored_scan_says_of_a_few_what_is_read_now(few):
    told = ("norm", "eps", "gain", "placement", "qk_norm", "norms_on_wiring", "final_norm")
    stored = {row["layer"]: row for row in load_scan()}
    for row in few:
        if row["outcome"] == "wiring" and row["layer"] in stored:
            assert [row[name] for name in told] == [stored[row["layer"]][name] for name in told]


def test_releases_name_their_source_and_folders_of_the_library():
    for row in read_rows(RELEASES):
        assert row["source"]
        assert 2017 < int(row["year"]) < 2027
        assert all(float(eps) for eps in row["released_eps"].split(", ") if eps)
    assert releases().keys() <= {*folders()}


def test_a_layer_with_next_to_none_of_the_norms_stands_for_them_alone():
    whole = {row["layer"]: row for row in load_scan()}
    (beside,) = rows_of_role([whole["Gemma3nTextLaurelBlock"]], "text decoder")
    assert (beside["outcome"], beside["placement"], beside["norm"]) == ("norms", "", "RMSNorm")
    (every,) = [row for row in summarize([beside]).coverage.rows if row[0] == "all"]
    of_it = summarize([whole["Gemma3nTextLaurelBlock"]]).coverage.rows
    assert every in of_it
    assert every[4] == "0 of 1 (0 %)"
    (layer,) = rows_of_role([whole["LlamaDecoderLayer"]], "text decoder")
    assert (layer["outcome"], layer["placement"]) == ("wiring", "pre-norm")


def test_models_are_counted_between_years_both_included_and_without_those_of_no_year():
    rows = [
        {"folder": f"m{i}", "year": year} for i, year in enumerate(("2023", "2024", "2025", ""))
    ]
    models = ScannedModels(tuple(rows))
    assert models.between(2024).folders == ["m1", "m2"]
    assert models.between(2023, 2024).folders == ["m0", "m1"]
    assert str(models.share(lambda row: row["year"] > "2023")) == "2 of 4"
    table = models.by_year("models of", lambda row: "a" if row["year"] == "2023" else "b")
    assert table.rows[0] == ["2023", 0, 1]
    assert table.rows[-1][0] == "not known"
    with pytest.raises(ValueError, match=r"the scan has no m9\."):
        models.named("m1", "m9")

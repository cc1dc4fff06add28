"""tcga-luad-mutation-GENE: mutations from either published table, patients and sites by name."""

import gzip

import pytest

from milbench.errors import DatasetError, MissingDataError
from milbench.registry import load_registry

DX = "TCGA-05-4244-01Z-00-DX1.d4ff32cd"
SECOND = "TCGA-05-4244-01Z-00-DX2.0aa11bb2"
FROZEN = "TCGA-05-4244-01A-01-TS1.6baa937"
OTHER = "TCGA-NJ-A4YQ-01Z-00-DX1.5ddf24b5"


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


@pytest.fixture
def luad(tmp_path):
    """Touch slides as a GDC download has them: three diagnostic of two patients, one frozen."""
    for number, name in enumerate((OTHER, SECOND, DX, FROZEN)):
        touch(tmp_path / "tcga-luad" / f"uuid-{number}" / f"{name}.svs")
    return tmp_path


def found_in(data, gene):
    """Return id, label, patient and site of each slide."""
    record = load_registry().find("dataset", f"milbench/tcga-luad-mutation-{gene}").record
    return [(bag.id, bag.label, bag.patient, bag.site) for bag in record.load()(data)]


def test_lines_of_deeppath_say_which_patients_are_mutated(luad):
    """Carriage returns end lines; a patient without a line is wild type; frozen slides are none."""
    text = "TCGA-05-4244-0\tEGFR\rTCGA-05-4244-0\tTP53\rTCGA-99-9999-0\tKRAS\r"
    (luad / "tcga-luad" / "labels_r3.txt").write_text(text, encoding="utf-8", newline="")

    assert found_in(luad, "egfr") == [
        (DX, 1, "TCGA-05-4244", "05"),
        (SECOND, 1, "TCGA-05-4244", "05"),
        (OTHER, 0, "TCGA-NJ-A4YQ", "NJ"),
    ]
    assert [label for _, label, *_ in found_in(luad, "kras")] == [0, 0, 0]
    with pytest.raises(DatasetError, match=r"labels_r3\.txt: no line has the gene STK11"):
        found_in(luad, "stk11")


def test_a_line_that_is_no_id_and_gene_is_named(luad):
    text = "TCGA-05-4244-0\tEGFR\r05-4244\tTP53\r"
    (luad / "tcga-luad" / "labels_r3.txt").write_text(text, encoding="utf-8", newline="")

    with pytest.raises(DatasetError, match=r"labels_r3\.txt, line 2: found '05-4244"):
        found_in(luad, "egfr")


def write_table(data, *rows):
    text = "\n".join(["file_name,EGFR,KRAS", *rows])
    path = data / "tcga-luad" / "LUAD-5-gene_TCGA.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))


def test_a_table_of_slides_says_it_too(luad, caplog):
    """Plain or gzipped; slides that it does not have are left out."""
    write_table(luad, f"{FROZEN}.svs,True,True", f"{DX}.svs,True,False", f"{OTHER}.svs,False,True")

    assert [row[:2] for row in found_in(luad, "egfr")] == [(DX, 1), (OTHER, 0)]
    assert [row[:2] for row in found_in(luad, "kras")] == [(DX, 0), (OTHER, 1)]
    assert f"no label, left out: 1 slides ({SECOND})" in caplog.text
    with pytest.raises(DatasetError, match=r"csv\.gz, line 1: no column TP53; found file_name"):
        found_in(luad, "tp53")


@pytest.mark.parametrize(
    ("second", "fault"),
    [
        (f"{SECOND}.svs,False,True", r"line 3: slides of patient TCGA-05-4244 disagree about EGFR"),
        (f"{DX}.svs,True,False", r"line 3: slide 'TCGA-05-4244-.*' stands in a line before"),
        (f"{SECOND}.svs,maybe,False", r"line 3: EGFR is 'maybe'; expected True or False"),
    ],
)
def test_faults_of_the_table_name_the_line(luad, second, fault):
    write_table(luad, f"{DX}.svs,True,False", second)

    with pytest.raises(DatasetError, match=fault):
        found_in(luad, "egfr")


def test_absent_slides_of_luad_are_named(tmp_path):
    with pytest.raises(MissingDataError, match=r"labels_r3\.txt or LUAD-5-gene_TCGA\.csv.*NIH"):
        found_in(tmp_path, "egfr")


@pytest.mark.data
def test_the_real_table_of_luad(data_dir, tmp_path):
    """529 diagnostic slides of 467 patients from 33 sites, counted with pandas."""
    real = data_dir / "labels_splits" / "tcga_luad_mutation" / "gigapath_LUAD-5-gene_TCGA.csv.gz"
    folder = tmp_path / "tcga-luad"
    touch(folder / f"{DX}.svs")
    folder.joinpath("LUAD-5-gene_TCGA.csv.gz").write_bytes(real.read_bytes())
    sums = {}
    for gene in ("egfr", "kras", "stk11", "tp53"):
        found = found_in(tmp_path, gene)
        sums[gene] = sum(label for _, label, *_ in found)

    assert sums == {"egfr": 72, "kras": 134, "stk11": 65, "tp53": 235}
    assert len(found) == 529
    assert len({patient for *_, patient, _ in found}) == 467
    assert len({site for *_, site in found}) == 33


def labels_of(data, name):
    """Return id and labels of each slide, and the names of the labels."""
    record = load_registry().find("dataset", f"milbench/{name}").record
    return record.classes, [(bag.id, bag.label) for bag in record.load()(data)]


def test_ten_genes_of_deeppath_are_labels(luad):
    """One of ten for each line of a patient; a patient without a line has none."""
    genes = ("EGFR", "FAT1", "FAT4", "KEAP1", "KRAS", "LRP1B", "NF1", "SETBP1", "STK11", "TP53")
    lines = [f"TCGA-99-9999-0\t{gene}\r" for gene in genes]
    text = "".join([*lines, "TCGA-05-4244-0\tTP53\r", "TCGA-05-4244-0\tFAT1\r"])
    (luad / "tcga-luad" / "labels_r3.txt").write_text(text, encoding="utf-8", newline="")

    classes, found = labels_of(luad, "tcga-luad-mutation")

    assert classes == genes
    both = (0, 1, 0, 0, 0, 0, 0, 0, 0, 1)
    assert found == [(DX, both), (SECOND, both), (OTHER, (0,) * 10)]


def test_the_five_genes_of_prov_gigapath_are_labels(luad):
    """The columns of its table, in the order of its task; the ten need the other file."""
    text = "file_name,TP53,EGFR,KRAS,FAT1,LRP1B\n" + "\n".join(
        [f"{DX}.svs,True,False,False,True,False", f"{OTHER}.svs,False,True,True,False,False"]
    )
    (luad / "tcga-luad" / "LUAD-5-gene_TCGA.csv").write_text(text, encoding="utf-8")

    classes, found = labels_of(luad, "tcga-luad-mutation-5-gene")

    assert classes == ("EGFR", "FAT1", "KRAS", "LRP1B", "TP53")
    assert found == [(DX, (0, 1, 0, 0, 1)), (OTHER, (1, 0, 1, 0, 0))]
    with pytest.raises(DatasetError, match="no column FAT4"):
        labels_of(luad, "tcga-luad-mutation")


@pytest.mark.data
def test_the_real_genes_of_luad_are_labels(data_dir, tmp_path):
    """Slides with each of five genes, and with none, counted with pandas."""
    real = data_dir / "labels_splits" / "tcga_luad_mutation" / "gigapath_LUAD-5-gene_TCGA.csv.gz"
    folder = tmp_path / "tcga-luad"
    touch(folder / f"{DX}.svs")
    folder.joinpath("LUAD-5-gene_TCGA.csv.gz").write_bytes(real.read_bytes())

    _, found = labels_of(tmp_path, "tcga-luad-mutation-5-gene")

    labels = [label for _, label in found]
    assert [sum(column) for column in zip(*labels, strict=True)] == [72, 47, 134, 176, 235]
    assert sum(not any(label) for label in labels) == 124

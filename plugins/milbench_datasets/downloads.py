"""What ``milbench fetch`` gets: addresses pinned to a commit, and the checksum of every file.

The carriers are the ones whose values were compared with others and found equal; the copy of
birds-brown-creeper in MILpy carries other labels and is not used.
"""

from __future__ import annotations

from milbench import Download

RAW = "https://raw.githubusercontent.com"
MILPY = f"{RAW}/jmarrietar/MILpy/e6a8c7ee326cb318de8197546d7913f4395f1401/data"
MILPY_MUSK1 = f"{RAW}/jmarrietar/MILpy/20d6b0ba43b5e4faac7aa217193ad7157f23a1f3/data"
MIPROBLEMS = f"{RAW}/pevnak/MIProblems/11621590cc4ad6090daa607b699bf18fa0ee310b"
MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist"


def milpy(folder: str, source: str, *digests: str) -> tuple[Download, ...]:
    """Return the three files of a MILpy folder, in the order of their sha256 digests."""
    return tuple(
        Download(path=f"{folder}/milpy/{name}", url=f"{source}/{name}", checksum=f"sha256:{digest}")
        for name, digest in zip(("X.mat", "Bag2.mat", "BagI.mat"), digests, strict=True)
    )


def miproblems(folder: str, source: str, *digests: str) -> tuple[Download, ...]:
    """Return the three files of a MIProblems folder, in the order of their sha256 digests."""
    return tuple(
        Download(
            path=f"{folder}/{name}",
            url=f"{MIPROBLEMS}/{source}/{name}",
            checksum=f"sha256:{digest}",
        )
        for name, digest in zip(("data.csv", "bagids.csv", "labels.csv"), digests, strict=True)
    )


def mnist(name: str, digest: str) -> Download:
    """Return one of the four official files; the md5 digests are those that torchvision checks."""
    return Download(path=f"mnist/{name}", url=f"{MNIST}/{name}", checksum=f"md5:{digest}")


MUSK1 = (
    Download(
        path="musk1/milpy/X_musk_original.mat",
        url=f"{MILPY_MUSK1}/musk1_unscaled/X_musk_original.mat",
        checksum="sha256:90a5a034c253d4986c68e0b3a052bb6b3862cdeb9585fc8a956c940f6c394af5",
    ),
    Download(
        path="musk1/milpy/Bag2_musk_original.mat",
        url=f"{MILPY_MUSK1}/musk1_unscaled/Bag2_musk_original.mat",
        checksum="sha256:48976efc65427bc4c58787da483a94a4c99801a665744eabfac8d24c9caca4f6",
    ),
    Download(
        path="musk1/milpy/bagI_musk1_original.mat",
        url=f"{MILPY_MUSK1}/musk1_unscaled/bagI_musk1_original.mat",
        checksum="sha256:1e30f51b5266806693c6152de24748ef192414c83b4a12088747da89a974c53c",
    ),
)
MUSK2 = milpy(
    "musk2",
    f"{MILPY}/musk2_original",
    "172610df60e81223f726515239f8c6270aaf1f8a8be5c3c52f811072bf02358f",
    "824082cb9bd74745c38def5d4a427d289aba5a76d966cb07051ca0de0e8fe6fe",
    "e8300c17f3f995340f75a6731d739d87f3e9cc24a049cc5152b0631ebbc16dbc",
)
ELEPHANT = milpy(
    "elephant",
    f"{MILPY}/elephant_original",
    "f0da9ceeca96a10090dd353ea5e04bcbeb6a032a04c079cde84429efb1774a66",
    "2f418377a5348e349a8a274f5e82db7a2f63457476cefe52e335dc661f69e8f9",
    "ed6de6e89906cae3bd60dd55cdcbcbc38ba8846e227dcdb9e170c1b246980593",
)
FOX = milpy(
    "fox",
    f"{MILPY}/fox_original",
    "5a716e3b18e0b34dfd9e9a801fa9598aa7b3a9bf1b07ba769fe68fec50e3246d",
    "5dc4cb5186ca642b45182745be9f48fc76030f8860571b4a31809ed95d68cfdb",
    "de2ef32606ffbd87f5fe229e5a8e3b5a590e5a638943cdd19938db7ca88c308a",
)
TIGER = milpy(
    "tiger",
    f"{MILPY}/tiger_original",
    "6d58142967784816ef384f91907d9932885bef77a0372d18f9b3dd0cc4cee638",
    "bd613d3b8d6e032569ead8ce3ccf35378347ec76c42d59a0604122dc0321a270",
    "a95448c4462255210d9c4be8835ceb26dd91cbaaf4b63f9f797967dd3b1dc04d",
)
COREL_AFRICAN = milpy(
    "corel_african",
    f"{MILPY}/corel_african_original",
    "bf08a59df4dbb0398fa90d148e377895a289bfe10810f070a467381b289ab925",
    "c00761e892766ea763b49c22622001a49631b568a34e9f91b86eda6e93207652",
    "3190378f184b4de6a3152400b6e15b2b417c518dfe5b7f6d7a9c86f80520b1f6",
)
BIRDS_BROWN_CREEPER = miproblems(
    "birds_brown_creeper/miproblems",
    "BrownCreeper",
    "b8b02b514304a7be9f25c3d0516c35e6fb781ad472408d4d71ea8d0412ab95aa",
    "3244f75a82f7989b258495cdb33586bddfc318d20fc1cf59dfac498908f57700",
    "9addef149fe7ecc46e19fc5a8f8d0e2b48c6cee259ced9ae516916ccc07eda25",
)
MUTAGENESIS1 = miproblems(
    "mutagenesis1/miproblems",
    "Mutagenesis1",
    "eb68dee20ac2667831c25dadb8e222333bd25691c7162e033dc21c3150e4b92e",
    "edbbd5617eb77304ca72a0493bc510e429e199df262912080eba04e50425a881",
    "15faf44a4842315fd8cc7cae5db37b4e768c5187293994604fd14e5fc821da49",
)
NEWSGROUPS1 = miproblems(
    "newsgroups/miproblems/Newsgroups1",
    "Newsgroups1",
    "aea242fe904236e863bd0b28d893f2b2c64b394bda96263a98cc13d7706feee0",
    "f0c71e068bdfdbffd27b6b4f46185df1d29a25eba2911f6b9576e53c0b8933bf",
    "e698964e9e5d19096a20bf81b6e80262eba7bfce604d4e143b64422c64181ad1",
)
NEWSGROUPS2 = miproblems(
    "newsgroups/miproblems/Newsgroups2",
    "Newsgroups2",
    "a22392dbfaf0e9e055167ee48792cada794da3628821beea61296c9a4c92c25d",
    "03d9d9a650bb80aec0f88fda27588fe4dacf13618869e16a59edb577bc2251aa",
    "f56c262421567568c861efd4f582c53e9f4b838637194963e34552689cccf848",
)
NEWSGROUPS3 = miproblems(
    "newsgroups/miproblems/Newsgroups3",
    "Newsgroups3",
    "b32ebe14f8c86ee38b9b6eab08d70df984c5d5e78ad4323608a9050ab9d8edb2",
    "1b929447753446600e4973986b313abc137b0d1d9d6b73b6edad8ed4a8b3b739",
    "41947f5df72d33580ac42e3510ad582d353cc2476b02f13a5c82946bc3cb736c",
)
MNIST_TEST = (
    mnist("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
    mnist("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
)
MNIST_ALL = (
    mnist("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
    mnist("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
    *MNIST_TEST,
)

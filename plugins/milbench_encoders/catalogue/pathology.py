"""Encoders trained on pathology slides: the foundation models.

Networks, sizes, normalisations and licences are those of the model cards that ``weights`` names;
``pretraining_data`` is what these and the papers say. A corpus that holds others is named by them:
a leaderboard compares these names with the cohort of the benchmark.
"""

from __future__ import annotations

from typing import Any

from milbench import Encoder, Weights

PRECISIONS: dict[str, Any] = {"precisions": ("float32", "bfloat16", "float16")}
SHARED: dict[str, Any] = PRECISIONS | {
    "tile_px": 224,
    "mpp": 0.5,
    "mean": (0.485, 0.456, 0.406),
    "std": (0.229, 0.224, 0.225),
}
BIOPTIMUS: dict[str, Any] = SHARED | {
    "mean": (0.707223, 0.578729, 0.703617),
    "std": (0.211883, 0.230117, 0.177517),
}
HISTAI: dict[str, Any] = SHARED | {
    "mean": (0.7068, 0.5755, 0.722),
    "std": (0.195, 0.2316, 0.1816),
    "pretraining_data": ("HistAI (1.1 million slides)",),
    "licence": "Apache-2.0",
}
NON_COMMERCIAL = "CC-BY-NC-ND-4.0"

NECHAEV = (
    "Nechaev, Pchelnikov and Ivanova, Hibou: A Family of Foundational Vision Transformers for "
    "Pathology, 2024, https://arxiv.org/abs/2406.05074"
)
UNI = (
    "Chen, Ding, Lu et al., Towards a general-purpose foundation model for computational "
    "pathology, Nature Medicine 2024, https://doi.org/10.1038/s41591-024-02857-3"
)
OPTIMUS = (
    "Saillard, Jenatton, Llinares-Lopez et al., H-optimus-0, 2024, "
    "https://github.com/bioptimus/releases/tree/main/models/h-optimus/v0"
)


def _gated(hub: str, file: str = "pytorch_model.bin") -> Weights:
    return Weights(hub=hub, file=file, gated=True)


RECORDS = (
    Encoder(
        name="uni",
        target="milbench_encoders.vit:UNI",
        summary="UNI: ViT-L/16 by DINOv2 on 100 thousand slides",
        paper=UNI,
        dim=1024,
        pretraining_data=("GTEx", "Mass-100K (MGH, BWH)"),
        licence=NON_COMMERCIAL,
        weights=_gated("MahmoodLab/UNI"),
        **SHARED,
    ),
    Encoder(
        name="uni2-h",
        target="milbench_encoders.vit:UNI2_H",
        summary="UNI2-h: ViT-H/14 by DINOv2 on 350 thousand slides",
        paper=UNI,
        dim=1536,
        pretraining_data=("Mass General Brigham",),
        licence=NON_COMMERCIAL,
        weights=_gated("MahmoodLab/UNI2-h"),
        **SHARED,
    ),
    Encoder(
        name="conch",
        target="milbench_encoders.conch:conch",
        summary="CONCH: ViT-B/16 by pairs of pictures and captions",
        paper="Lu, Chen, Williamson et al., A visual-language foundation model for computational "
        "pathology, Nature Medicine 2024, https://doi.org/10.1038/s41591-024-02856-4",
        dim=512,
        tile_px=448,
        mpp=0.5,
        mean=(0.48145466, 0.4578275, 0.40821073),
        std=(0.26862954, 0.26130258, 0.27577711),
        pretraining_data=("PMC OpenAccess", "Mass General Brigham"),
        licence=NON_COMMERCIAL,
        weights=_gated("MahmoodLab/conch"),
        **PRECISIONS,
    ),
    Encoder(
        name="virchow",
        target="milbench_encoders.vit:VIRCHOW",
        summary="Virchow: ViT-H/14 by DINOv2 on 1.5 million slides; class token and mean",
        paper="Vorontsov, Bozkurt, Casson et al., A foundation model for clinical-grade "
        "computational pathology and rare cancers detection, Nature Medicine 2024, "
        "https://doi.org/10.1038/s41591-024-03141-0",
        dim=2560,
        pretraining_data=("MSKCC",),
        licence="Apache-2.0",
        weights=_gated("paige-ai/Virchow"),
        **SHARED,
    ),
    Encoder(
        name="virchow2",
        target="milbench_encoders.vit:VIRCHOW2",
        summary="Virchow2: ViT-H/14 by DINOv2 on 3.1 million slides; class token and mean",
        paper="Zimmermann, Vorontsov, Viret et al., Virchow2: Scaling Self-Supervised Mixed "
        "Magnification Models in Pathology, 2024, https://arxiv.org/abs/2408.00738",
        dim=2560,
        pretraining_data=("MSKCC",),
        licence=NON_COMMERCIAL,
        weights=_gated("paige-ai/Virchow2"),
        **SHARED,
    ),
    Encoder(
        name="prov-gigapath",
        target="milbench_encoders.vit:GIGAPATH",
        summary="the tile encoder of Prov-GigaPath: ViT-g/16 by DINOv2 on 171 thousand slides",
        paper="Xu, Usuyama, Bagga et al., A whole-slide foundation model for digital pathology "
        "from real-world data, Nature 2024, https://doi.org/10.1038/s41586-024-07441-w",
        dim=1536,
        pretraining_data=("Prov-Path (Providence)",),
        licence="Apache-2.0 with conditions of its model card",
        weights=_gated("prov-gigapath/prov-gigapath"),
        **(SHARED | {"tile_px": 256}),
    ),
    Encoder(
        name="h-optimus-0",
        target="milbench_encoders.vit:H_OPTIMUS",
        summary="H-optimus-0: ViT-g/14 by DINOv2 on 500 thousand slides",
        paper=OPTIMUS,
        dim=1536,
        pretraining_data=("Bioptimus (500 thousand slides, proprietary)",),
        licence="Apache-2.0",
        weights=_gated("bioptimus/H-optimus-0"),
        **BIOPTIMUS,
    ),
    Encoder(
        name="h-optimus-1",
        target="milbench_encoders.vit:H_OPTIMUS",
        summary="H-optimus-1: ViT-g/14 by DINOv2 on more than a million slides",
        paper="Bioptimus, H-optimus-1, 2025, https://huggingface.co/bioptimus/H-optimus-1",
        dim=1536,
        pretraining_data=("Bioptimus (1 million slides, proprietary)",),
        licence=NON_COMMERCIAL,
        weights=_gated("bioptimus/H-optimus-1"),
        **BIOPTIMUS,
    ),
    Encoder(
        name="h0-mini",
        target="milbench_encoders.vit:H0_MINI",
        summary="H0-mini: ViT-B/14, distilled from H-optimus-0; class token and mean",
        paper="Filiot, Dop, Tchita et al., Distilling foundation models for robust and efficient "
        "models in digital pathology, 2025, https://arxiv.org/abs/2501.16239",
        dim=1536,
        pretraining_data=("TCGA",),
        licence=NON_COMMERCIAL,
        weights=_gated("bioptimus/H0-mini"),
        **BIOPTIMUS,
    ),
    Encoder(
        name="phikon",
        target="milbench_encoders.hub_vit:PHIKON",
        summary="Phikon: ViT-B/16 by iBOT on six thousand slides of TCGA",
        paper="Filiot, Ghermi, Olivier et al., Scaling Self-Supervised Learning for Histopathology "
        "with Masked Image Modeling, 2023, https://doi.org/10.1101/2023.07.21.23292757",
        dim=768,
        pretraining_data=("TCGA",),
        licence="Owkin non-commercial",
        weights=Weights(hub="owkin/phikon", file="pytorch_model.bin"),
        **SHARED,
    ),
    Encoder(
        name="phikon-v2",
        target="milbench_encoders.hub_vit:PHIKON_V2",
        summary="Phikon-v2: ViT-L/16 by DINOv2 on 58 thousand public slides",
        paper="Filiot, Jacob, Mac Kain and Saillard, Phikon-v2, A large and public feature "
        "extractor for biomarker prediction, 2024, https://arxiv.org/abs/2409.09173",
        dim=1024,
        pretraining_data=("CPTAC", "GTEx", "TCGA", "TCIA and others"),
        licence="Owkin non-commercial",
        weights=Weights(hub="owkin/phikon-v2", file="model.safetensors"),
        **SHARED,
    ),
    Encoder(
        name="ctranspath",
        target="milbench_encoders.ctranspath:ctranspath",
        summary="CTransPath: Swin-T behind convolutions by contrast on 32 thousand slides",
        paper="Wang, Yang, Zhang et al., Transformer-based unsupervised contrastive learning for "
        "histopathological image classification, Medical Image Analysis 2022, "
        "https://doi.org/10.1016/j.media.2022.102559",
        dim=768,
        pretraining_data=("PAIP", "TCGA"),
        licence="GPL-3.0",
        weights=Weights(file="ctranspath.pth", page="https://github.com/Xiyue-Wang/TransPath"),
        **SHARED,
    ),
    Encoder(
        name="hibou-b",
        target="milbench_encoders.hub_vit:HIBOU_B",
        summary="Hibou-B: ViT-B/14 by DINOv2 on 1.1 million slides",
        paper=NECHAEV,
        dim=768,
        weights=_gated("histai/hibou-B", "model.safetensors"),
        **HISTAI,
    ),
    Encoder(
        name="hibou-l",
        target="milbench_encoders.hub_vit:HIBOU_L",
        summary="Hibou-L: ViT-L/14 by DINOv2 on 1.1 million slides",
        paper=NECHAEV,
        dim=1024,
        weights=_gated("histai/hibou-L", "model.safetensors"),
        **HISTAI,
    ),
    Encoder(
        name="midnight",
        target="milbench_encoders.hub_vit:MIDNIGHT",
        summary="Midnight-12k: ViT-g/14 by DINOv2 on 12 thousand slides of TCGA; token and mean",
        paper="Karasikov, van Doorn, Kaenzig et al., Training state-of-the-art pathology "
        "foundation models with orders of magnitude less data, MICCAI 2025, "
        "https://arxiv.org/abs/2504.05186",
        dim=3072,
        pretraining_data=("TCGA",),
        licence="MIT",
        weights=Weights(hub="kaiko-ai/midnight", file="model.safetensors"),
        **(SHARED | {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}),
    ),
    Encoder(
        name="gpfm",
        target="milbench_encoders.vit:GPFM",
        summary="GPFM: ViT-L/14, distilled from three others on 72 thousand public slides",
        paper="Ma, Guo, Zhou et al., Towards a Generalizable Pathology Foundation Model via "
        "Unified Knowledge Distillation, 2024, https://arxiv.org/abs/2407.18449",
        dim=1024,
        pretraining_data=("TCGA", "32 other public collections, listed in its paper"),
        licence=NON_COMMERCIAL,
        weights=Weights(hub="majiabo/GPFM", file="GPFM.pth"),
        **(SHARED | {"mpp": None}),  # tiles of 512 pixels of the full resolution, whatever it is
    ),
    Encoder(
        name="lunit-s16",
        target="milbench_encoders.vit:LUNIT_S16",
        summary="Lunit's ViT-S/16 by DINO on 37 thousand slides",
        paper="Kang, Song, Park, Yoo and Pereira, Benchmarking Self-Supervised Learning on Diverse "
        "Pathology Datasets, CVPR 2023, https://arxiv.org/abs/2212.04690",
        dim=384,
        pretraining_data=("TCGA", "TULIP (proprietary)"),
        licence="non-commercial, see its page",
        weights=Weights(hub="1aurent/vit_small_patch16_224.lunit_dino", file="model.safetensors"),
        **(
            SHARED
            | {
                "mean": (0.70322989, 0.53606487, 0.66096631),
                "std": (0.21716536, 0.26081574, 0.20723464),
            }
        ),
    ),
)

"""Encoders that are trained on the tiles of the data set, without labels.

Which bags they see is part of the name, because it is part of the result: tiles of test bags, even
without labels, are tiles of test bags.
"""

from milbench import Encoder

PAPER = (
    "Chen, Kornblith, Norouzi and Hinton, A Simple Framework for Contrastive Learning of Visual "
    "Representations, ICML 2020, https://arxiv.org/abs/2002.05709; Li, Li and Eliceiri, "
    "Dual-stream Multiple Instance Learning Network, CVPR 2021, https://arxiv.org/abs/2011.08939"
)

RECORDS = (
    Encoder(
        name="resnet18-simclr",
        target="milbench_encoders.simclr:resnet18_simclr",
        pretrain="milbench_encoders.simclr:pretrain",
        pretrained_on="train",
        summary="ResNet-18 with InstanceNorm, by SimCLR on the official training part's tiles",
        paper=PAPER,
        dim=512,
        licence="that of the tiles it is trained on",
        precisions=("float32", "bfloat16", "float16"),
    ),
    Encoder(
        name="resnet18-simclr-transductive",
        target="milbench_encoders.simclr:resnet18_simclr",
        pretrain="milbench_encoders.simclr:pretrain",
        pretrained_on="all",
        summary="the same by SimCLR on all tiles without labels, those of test bags too",
        paper=PAPER,
        dim=512,
        licence="that of the tiles it is trained on",
        precisions=("float32", "bfloat16", "float16"),
    ),
)

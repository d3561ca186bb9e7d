"""Options: small frozen groups, read from a preset or a YAML file; an unknown key is an error."""

from ressenti.pipeline.config.load import build_config, load_config, preset_names
from ressenti.pipeline.config.option_group import Group, misfits
from ressenti.pipeline.config.options import (
    AffectOptions,
    AudioOptions,
    ComputeOptions,
    Config,
    ContentOptions,
    DiarizationOptions,
    DynamicsOptions,
    EmotionOptions,
    MomentOptions,
    ReportOptions,
    RoleOptions,
    SoundOptions,
    TrajectoryOptions,
    TurnOptions,
    VoiceOptions,
    WordOptions,
    left_out,
)

__all__ = [
    "AffectOptions",
    "AudioOptions",
    "ComputeOptions",
    "Config",
    "ContentOptions",
    "DiarizationOptions",
    "DynamicsOptions",
    "EmotionOptions",
    "Group",
    "MomentOptions",
    "ReportOptions",
    "RoleOptions",
    "SoundOptions",
    "TrajectoryOptions",
    "TurnOptions",
    "VoiceOptions",
    "WordOptions",
    "build_config",
    "left_out",
    "load_config",
    "misfits",
    "preset_names",
]

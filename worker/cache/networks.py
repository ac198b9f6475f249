"""Networks that stay in memory between jobs."""

import os
import tempfile
import uuid
from functools import lru_cache
from pathlib import Path

from models.encoders import Encoder, WeightsUnavailable, load_encoder
from models.encoders.feature_maps import FeatureMaps, pretrained_feature_maps
from models.translation.translator import Translator
from store import models
from store.blobs import Blobs
from store.database import Database
from store.settings import Settings
from worker.outcomes import Permanent


class Networks:
    """Loads `encoder(name)`, `feature_maps(name)` and `translator(model_id, direction)`, and keeps the most
    recently used ones.
    """

    def __init__(self, settings: Settings, database: Database, blobs: Blobs) -> None:
        self._settings = settings
        self._database = database
        self._blobs = blobs
        self.encoder = lru_cache(maxsize=2)(self._load_encoder)
        self.feature_maps = lru_cache(maxsize=1)(self._load_feature_maps)
        self.translator = lru_cache(maxsize=4)(self._load_translator)

    def _load_encoder(self, name: str) -> Encoder:
        """Raises Permanent if the encoder's weights are not available."""
        try:
            return load_encoder(
                name,
                device=self._settings.device,
                weights=supplied_weights(self._settings, name),
                cache_dir=encoder_cache(self._settings),
            )
        except WeightsUnavailable as error:
            raise Permanent("weights-unavailable", str(error)) from error

    def _load_feature_maps(self, name: str) -> FeatureMaps:
        """Raises Permanent if the encoder's weights are not available."""
        weights, cache_dir = supplied_weights(self._settings, name), encoder_cache(self._settings)
        try:
            encoder, _ = pretrained_feature_maps(name, weights, cache_dir)
        except WeightsUnavailable as error:
            raise Permanent("weights-unavailable", str(error)) from error
        return encoder.requires_grad_(False)

    def _load_translator(self, model_id: uuid.UUID, direction: str) -> Translator:
        """Raises Permanent if the model does not translate in this direction, or cannot be used at all."""
        folder = self._model_folder(model_id)
        try:
            return Translator.load(folder, device=self._settings.device, direction=direction)
        except ValueError as error:
            raise Permanent("unusable-model", f"The model {model_id} cannot be used: {error}") from error

    def _model_folder(self, model_id: uuid.UUID) -> Path:
        """A folder with the model's files. A model never changes, so the folder does not either.

        Raises Permanent if the model was removed.
        """
        folder = self._settings.cache_dir / "models" / str(model_id)
        if folder.is_dir():
            os.utime(folder)  # what was used last is removed last
            return folder
        with self._database.read() as session:
            files = models.files(session, [model_id]).get(model_id)
        if files is None:
            raise Permanent("model-deleted", f"The model {model_id} was deleted: name another one.")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="arriving-") as arriving:
            whole = Path(arriving) / "model"
            whole.mkdir()
            for file in files:
                self._blobs.fetch(file.sha256, whole / file.name)
            try:
                whole.rename(folder)
            except OSError:
                if not folder.is_dir():  # it exists if another worker made it in the meantime
                    raise
        return folder


def supplied_weights(settings: Settings, encoder: str) -> Path | None:
    """The weights file that the operator gave for this encoder, if any. The settings allow its name."""
    kind, _, rest = encoder.partition(":")
    if kind == "onnx":
        return settings.encoders / rest
    if kind == "timm":
        files = [settings.encoders / f"{rest}{suffix}" for suffix in (".safetensors", ".pth")]
        return next((file for file in files if file.is_file()), None)
    return settings.resnet50_weights if encoder == "resnet50" else None


def encoder_cache(settings: Settings) -> Path:
    """The folder of exported encoders and of weights that were downloaded."""
    return settings.cache_dir / "encoders"

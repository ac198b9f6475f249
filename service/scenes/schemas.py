"""What drawn street scenes are ordered with."""

from typing import Any, Literal

from pydantic import ConfigDict, Field

from service.http.fields import Body

MOST_SCENES = 2000


class NewScenes(Body):
    """Street scenes to draw into a pool."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"count": 100}]})

    count: int = Field(100, ge=2, le=MOST_SCENES, description="How many; a quarter are test photos.")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="The same seed draws the same scenes.")
    labelled: Literal["test", "all"] = Field(
        "test",
        description="`test`: test photos get their label maps, and train photos are left to label. `all`: "
        "train photos get theirs too.",
    )

    def spec(self) -> dict[str, Any]:
        return self.model_dump(mode="json")

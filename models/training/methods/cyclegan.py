"""CycleGAN as the paper compares against it: the hybrid training without pairs (Table 2, "200 unpaired")."""

from models.catalog import TrainingSpec
from models.training.methods.hybrid import Hybrid


class CycleGAN(Hybrid):
    """Unpaired steps only. `adversarial="least_squares"` gives the original CycleGAN's loss."""

    @staticmethod
    def epoch_size(spec: TrainingSpec, pairs: int, unpaired: int, epoch: int) -> tuple[int, int]:
        return 0, unpaired

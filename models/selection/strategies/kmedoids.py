"""The paper's strategy (§3.2): k-means with as many clusters as the budget, then the medoid of each."""

from models.selection.kmeans import kmeans
from models.selection.medoids import medoids
from models.selection.ordering import in_order
from models.selection.problem import Problem
from models.vectors.points import Indices


def kmedoids(problem: Problem) -> Indices:
    """The medoids of clusters around the fixed images and `budget` centres, in an order that makes every
    prefix good.
    """
    return in_order(problem, medoids(problem.points, clustered(problem), problem.weights))


def clustered(problem: Problem) -> list[Indices]:
    """The candidates of each of `budget` clusters, as rows; those nearest to a fixed image are in none."""
    candidates = problem.candidates
    clusters = kmeans(
        problem.points, candidates, problem.budget, problem.fixed, problem.weights[candidates], problem.rng
    )
    return [candidates[clusters == cluster] for cluster in range(problem.budget)]

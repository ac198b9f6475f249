"""The paper's strategy (§3.2): k-means with `budget` clusters, then the medoid of each cluster."""

from models.selection.kmeans import kmeans
from models.selection.medoids import medoids
from models.selection.ordering import greedy_order
from models.selection.problem import Problem
from models.vectors.points import Indices


def kmedoids(problem: Problem) -> Indices:
    """The medoids of `budget` clusters, ordered so that every prefix covers well. Fixed images have clusters
    of their own.
    """
    return greedy_order(problem, medoids(problem.points, clustered(problem), problem.weights))


def clustered(problem: Problem) -> list[Indices]:
    """The candidates in each of the `budget` clusters, as rows. Candidates nearest to a fixed image are in
    none.
    """
    candidates = problem.candidates
    clusters = kmeans(
        problem.points, candidates, problem.budget, problem.fixed, problem.weights[candidates], problem.rng
    )
    return [candidates[clusters == cluster] for cluster in range(problem.budget)]

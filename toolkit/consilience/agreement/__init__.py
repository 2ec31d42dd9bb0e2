"""How far experts agree beyond chance, with an interval by task.

Frames are long: one row an answer, with the columns ``task``, ``expert`` and ``label`` (``score`` for numbers,
``items`` for sets). Every coefficient comes as a `Coefficient`, whose interval is the percentile bootstrap over tasks:
it says what other tasks of the kind would show with these experts, not what other experts would. It asks for
some fifty tasks: of 20 it covered 90 to 93 % where 95 % was asked for (simulated).

Which one: `krippendorff_alpha` for any level of measurement and missing answers; `cohen_kappa` for two experts;
`fleiss_kappa` and `conger_kappa` for more; `gwet_ac1`, `gwet_ac2` and `brennan_prediger` where one label is far more
frequent than the others; `icc` for scores as numbers, `kendall_w` and `kendall_tau_b` for their order; `set_alpha` for
sets of recommendations; `one_question`, `one_score` and `one_ranking` for a single task; `pairwise` for every
two experts, their camps and who stands apart.
"""

from consilience.agreement.alpha import krippendorff_alpha
from consilience.agreement.coefficient import Coefficient
from consilience.agreement.icc import icc
from consilience.agreement.kappa import brennan_prediger, fleiss_kappa, gwet_ac1, gwet_ac2
from consilience.agreement.kendall import kendall_tau_b, kendall_w
from consilience.agreement.marginals import cohen_kappa, conger_kappa
from consilience.agreement.pairwise import Pairwise, pairwise
from consilience.agreement.sets import set_alpha
from consilience.agreement.single import one_question
from consilience.agreement.single_ranking import one_ranking
from consilience.agreement.single_score import one_score

__all__ = [
    "Coefficient",
    "Pairwise",
    "brennan_prediger",
    "cohen_kappa",
    "conger_kappa",
    "fleiss_kappa",
    "gwet_ac1",
    "gwet_ac2",
    "icc",
    "kendall_tau_b",
    "kendall_w",
    "krippendorff_alpha",
    "one_question",
    "one_ranking",
    "one_score",
    "pairwise",
    "set_alpha",
]

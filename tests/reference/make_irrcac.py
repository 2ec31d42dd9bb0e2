"""Print what irrCAC says of two published tables; its output is `irrcac.csv`.

irrCAC pins an old scipy, so it is installed beside the environment and found by its path::

    python -m pip install --no-deps --target /tmp/irrcac irrCAC==0.4.4
    PYTHONPATH=/tmp/irrcac python tests/reference/make_irrcac.py > tests/reference/irrcac.csv
"""

from pathlib import Path

import pandas as pd
from irrCAC.raw import CAC
from statsmodels.stats.tests.test_inter_rater import diagnoses

PLACE = Path(__file__).parent / "krippendorff_c.csv"
TABLES = {
    "krippendorff_c": pd.read_csv(PLACE).pivot(index="unit", columns="observer", values="value"),
    "diagnoses": pd.DataFrame(diagnoses),
}
COEFFICIENTS = ("fleiss", "gwet", "bp", "conger", "krippendorff")

if __name__ == "__main__":
    print("table,coefficient,weights,value,standard_error")
    for name, table in TABLES.items():
        for weights in ("identity", "linear", "quadratic"):
            for coefficient in COEFFICIENTS:
                if (coefficient, weights) == ("krippendorff", "linear"):
                    continue  # no level of measurement weighs so
                cac = CAC(table.astype(float), weights=weights, categories=[1, 2, 3, 4, 5])
                found = getattr(cac, coefficient)()["est"]
                print(name, coefficient, weights, found["coefficient_value"], found["se"], sep=",")

"""How the files end that analyses of runs keep, and are repeated from."""

TRANSFER = ".transfer.csv"
IMPACT = ".impact.csv"
ANSWER = ".answer.csv"

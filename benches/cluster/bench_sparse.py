"""CSR rows: text-like, never densified (as float32 it would take 4 GB)."""

from fulcra._bench import data
from fulcra._bench.cases import Case

from benches import command

CASES = (Case("text_2e4x5e4_k50_10", data.text_like, 50, 10),)


def run(options: command.Options) -> command.Section:
    return command.measured("Fit CSR rows, density 0.001 (aim: 2 x scikit-learn)", CASES, options)


BENCHES = (run,)

if __name__ == "__main__":
    command.main(BENCHES)

"""Numbers as people read them: as many digits as matter beside how much a column varies."""

from math import ceil, isfinite, log10


def human(value: float, spread: float, *, is_share: bool = False) -> str:
    """Write a number to within a few hundredths of the spread.

    Parameters
    ----------
    value : float
        The number; NaN is "-".
    spread : float
        The standard deviation of the column; 0 where it does not vary.
    is_share : bool, default=False
        Whether it is a share, written in percent.

    Returns
    -------
    str
        As "1,234", "0.12", "34%", or "1.23e-09" where it is beyond these.

    Examples
    --------
    >>> human(39595.5, 10000), human(27.43, 15), human(2.677, 0.43), human(0.341, 0.5, is_share=True)
    ('39,600', '27.4', '2.68', '34%')
    """
    if not isfinite(value):
        return "-" if value != value else f"{value:g}"  # noqa: PLR0124 - NaN
    if is_share:
        return f"{abs(100 * value) if abs(value) < 0.005 else 100 * value:.0f}%"
    scale = spread if isfinite(spread) and spread > 0 else abs(value)
    if scale == 0:
        return f"{value:g}"
    decimals = ceil(1.2 - log10(scale))
    if decimals > 7 or decimals < -9:
        return f"{value:.3g}"
    text = f"{round(value, decimals):,.{max(decimals, 0)}f}"
    return "0" if float(text.replace(",", "")) == 0 else text

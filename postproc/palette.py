"""One fixed colour per class, told apart by colour-blind readers, and a text colour to match."""

Rgb = tuple[int, int, int]

CLASS_COLOURS: tuple[Rgb, ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
)
"""Okabe and Ito, "Color Universal Design", 2008, without its black; sRGB, 0 to 255."""

BLACK: Rgb = (0, 0, 0)
WHITE: Rgb = (255, 255, 255)


def class_colour(class_id: int) -> Rgb:
    """Return the colour of a class, the same in every picture; ids past the seventh wrap around."""
    return CLASS_COLOURS[class_id % len(CLASS_COLOURS)]


def text_colour(background: Rgb) -> Rgb:
    """Return black or white, whichever stands out more on `background`."""
    return max((BLACK, WHITE), key=lambda colour: contrast_ratio(colour, background))


def contrast_ratio(one: Rgb, other: Rgb) -> float:
    """Return how far two colours stand apart, from 1 (equal) to 21 (black on white).

    Source: WCAG 2.2, "contrast ratio"; text needs 4.5.
    """
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Rgb) -> float:
    """Return the relative luminance of an sRGB colour, 0 to 1. Source: WCAG 2.2."""
    red, green, blue = (_linear(channel / 255) for channel in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    if channel <= 0.04045:
        return channel / 12.92
    return float(((channel + 0.055) / 1.055) ** 2.4)

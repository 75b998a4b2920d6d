"""Where labels and caption lines go."""

from hypothesis import given
from hypothesis import strategies as st

from postproc.layout import MAX_HIDDEN, Rect, flow_lines, place_labels

PICTURE_WH = (200, 100)
LABEL_WH = (40, 10)

sides = st.integers(0, 200)
boxes = st.builds(
    lambda x1, y1, width, height: Rect(x1, y1, min(x1 + width, 200), min(y1 + height, 100)),
    st.integers(0, 199),
    st.integers(0, 99),
    st.integers(1, 200),
    st.integers(1, 100),
)


def ten_a_letter(text: str) -> int:
    return 10 * len(text)


def test_a_lone_label_sits_on_the_top_left_corner_of_its_box() -> None:
    assert place_labels([Rect(50, 40, 120, 90)], [LABEL_WH], PICTURE_WH) == [Rect(50, 30, 90, 40)]


def test_at_the_upper_border_a_label_stays_inside_the_picture() -> None:
    assert place_labels([Rect(50, 0, 120, 90)], [LABEL_WH], PICTURE_WH) == [Rect(50, 0, 90, 10)]


def test_at_the_right_border_a_label_is_pushed_back_inside() -> None:
    assert place_labels([Rect(190, 40, 200, 90)], [LABEL_WH], PICTURE_WH) == [
        Rect(160, 30, 200, 40)
    ]


def test_of_two_equal_boxes_the_second_puts_its_label_elsewhere() -> None:
    box = Rect(50, 40, 120, 90)
    first, second = place_labels([box, box], [LABEL_WH, LABEL_WH], PICTURE_WH)
    assert first == Rect(50, 30, 90, 40)
    assert second is not None
    assert first.intersection(second).area_px == 0


def test_in_a_crowd_without_a_free_place_a_box_goes_without_label() -> None:
    crowd = [Rect(0, 0, 40, 10)] * 20
    labels = place_labels(crowd, [LABEL_WH] * 20, PICTURE_WH)
    assert labels[0] is not None
    assert labels[-1] is None


def test_a_label_wider_than_the_picture_is_cut_to_it() -> None:
    assert place_labels([Rect(5, 5, 9, 9)], [(300, 10)], PICTURE_WH) == [Rect(0, 0, 200, 10)]


@given(st.lists(boxes, max_size=20))
def test_labels_lie_inside_the_picture_and_never_hide_each_others_letters(
    crowd: list[Rect],
) -> None:
    labels = place_labels(crowd, [LABEL_WH] * len(crowd), PICTURE_WH)
    assert len(labels) == len(crowd)
    drawn = [label for label in labels if label is not None]
    for number, label in enumerate(drawn):
        assert 0 <= label.x1 < label.x2 <= PICTURE_WH[0]
        assert 0 <= label.y1 < label.y2 <= PICTURE_WH[1]
        hidden_px = sum(label.intersection(other).area_px for other in drawn[:number])
        assert hidden_px <= MAX_HIDDEN * label.area_px


def test_words_that_fit_stand_on_one_line() -> None:
    assert flow_lines(["ab", "cd"], 50, 10, ten_a_letter) == [["ab", "cd"]]


def test_a_word_that_does_not_fit_begins_a_new_line() -> None:
    assert flow_lines(["ab", "cd"], 49, 10, ten_a_letter) == [["ab"], ["cd"]]


def test_a_word_wider_than_the_line_is_cut_and_nothing_of_it_is_lost() -> None:
    assert flow_lines(["abcdefg"], 35, 10, ten_a_letter) == [["abc"], ["def"], ["g"]]


@given(st.lists(st.text("abc", min_size=1, max_size=30), min_size=1, max_size=6), sides)
def test_no_letter_of_a_caption_is_lost_whatever_the_width(words: list[str], width: int) -> None:
    lines = flow_lines(words, width, 5, ten_a_letter)
    assert "".join(word for line in lines for word in line) == "".join(words)

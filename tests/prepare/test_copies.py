"""`mim_tf.prepare.copies`: exact copies are left out, near ones join groups."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from made_collections import plain

from mim_tf.prepare import records
from mim_tf.prepare.archives import open_archive
from mim_tf.prepare.copies import Groups, Read, leave_out_exact
from mim_tf.prepare.records import Picture


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), max_size=12))
def test_joined_groups_are_the_closure_and_have_the_first_name(joins: list[tuple[str, str]]) -> None:
    groups = Groups()
    reached = {name: {name} for name in "abcdefgh"}
    for first, second in joins:
        assert groups.join(first, second) == (second not in reached[first])
        whole = reached[first] | reached[second]
        for name in whole:
            reached[name] = whole
    assert {name: groups.name(name) for name in reached} == {name: min(found) for name, found in reached.items()}


def test_exact_copies(tmp_path: Path) -> None:
    archive = open_archive(plain(tmp_path))

    def one(source: str, name: str, label: str, group: str, content: str) -> Read:
        return Read(Picture(source, archive, name, label, group), tmp_path / name, content)

    read = [
        one("v1", "a", "chickenpox_or_measles", "v1:NM1", "same"),
        one("v2", "b", "measles", "v2:MSL_1", "same"),
        one("v2", "c", "measles", "v2:MSL_2", "same"),
        one("v2", "d", "mpox", "v2:MKP_1", "same"),
        one("v2", "e", "mpox", "v2:MKP_2", "other"),
    ]
    for order in (read, read[::-1]):
        groups = Groups()
        kept, left_out, conflicts = leave_out_exact(order, groups)
        assert [found.picture.name for found in kept] == ["b", "d", "e"]
        assert {entry.name: (entry.reason, entry.copy_of) for entry in left_out} == {
            "a": (records.EXACT, "v2: b"),
            "c": (records.EXACT, "v2: b"),
        }
        # A vague class agrees with that of the first one, the class mpox does not.
        assert [(pair.first.name, pair.second.name, pair.conflict) for pair in conflicts] == [("b", "d", True)]
        assert {groups.name(found.picture.group) for found in read[:4]} == {"v1:NM1"}
        assert groups.name("v2:MKP_2") == "v2:MKP_2"

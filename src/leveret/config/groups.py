"""Settings that are tables of tables: named groups of the same few fields."""

from typing import Final, final

from leveret.config.kinds import Setting, Wrong


@final
class Groups(Setting):
    """Named groups of the same few fields; in TOML ``[setting.name]`` and a line for each field.

    A value is a dictionary of dictionaries; a field that a group leaves out has its default.
    """

    def __init__(self, name: str, fields: list[Setting], text: str) -> None:
        super().__init__(name, {}, "", text)
        self.fields: Final = {field.name: field for field in fields}

    def allowed(self) -> str:
        """What a group is made of."""
        return "a table of tables with the keys " + ", ".join(self.fields)

    def check(self, value: object) -> object:
        """Every group with all of its fields."""
        if not isinstance(value, dict):
            raise ValueError
        return {str(name): self._group(str(name), group) for name, group in value.items()}

    def read(self, text: str) -> object:
        """One text cannot hold groups."""
        raise Wrong("only a file can set it")

    def shown(self, value: object) -> str:
        """The groups, without their secrets."""
        if not isinstance(value, dict):
            return "(what is no table)"
        groups = [f"{name} = {self._shown_group(group)}" for name, group in value.items()]
        return "{" + ", ".join(groups) + "}"

    def plain(self, value: object, show_secrets: bool) -> object:
        """The groups with all of their fields."""
        assert isinstance(value, dict)
        return {name: self._plain_group(group, show_secrets) for name, group in value.items()}

    def _plain_group(self, group: dict[str, object], show_secrets: bool) -> dict[str, object]:
        return {key: self.fields[key].plain(value, show_secrets) for key, value in group.items()}

    def _group(self, name: str, given: object) -> dict[str, object]:
        if not isinstance(given, dict):
            raise Wrong(f"{self.name}.{name} must be a table")
        for key in given:
            if key not in self.fields:
                raise Wrong(f"{self.name}.{name} has no {key!r}, only {', '.join(self.fields)}")
        return {key: self._field(name, key, given) for key in self.fields}

    def _field(self, name: str, key: str, given: dict[str, object]) -> object:
        field = self.fields[key]
        value = given.get(key, field.default)
        try:
            return field.check(value)
        except Wrong as wrong:
            raise Wrong(f"{self.name}.{name}.{key}: {wrong}") from None
        except ValueError:
            shown = field.shown(value)
            raise Wrong(
                f"{self.name}.{name}.{key} = {shown}, but it must be {field.allowed()}"
            ) from None

    def _shown_group(self, group: object) -> str:
        if not isinstance(group, dict):
            return "(what is no table)"
        known = [(key, self.fields[key]) for key in group if key in self.fields]
        return "{" + ", ".join([f"{key} = {f.shown(group[key])}" for key, f in known]) + "}"

"""docs/tls.md: its commands make certificates that the broker and its example work with."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import leveret
from leveret.config.files import take_file
from leveret.config.settings import Settings

TEXT = (Path(__file__).resolve().parent.parent / "docs" / "tls.md").read_text()


def block(language: str, index: int = 0) -> str:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)[index]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_its_commands_and_its_example_go_together(tmp_path: Path) -> None:
    subprocess.run(["sh", "-ec", block("sh")], cwd=tmp_path, check=True, capture_output=True)
    names = ("tls_certfile", "tls_keyfile", "tls_cacertfile")
    files = ("broker.pem", "broker.key", "ca.pem")
    settings: dict[str, object] = {
        name: str(tmp_path / file) for name, file in zip(names, files, strict=True)
    }
    with leveret.Broker(settings=settings | {"tls_verify": "peer"}) as broker:
        program = block("python").replace(":5671", f":{broker.tls_port}")
        for more in ("", '\ncontext.load_cert_chain("client.pem", "client.key")'):
            first = 'context = ssl.create_default_context(cafile="ca.pem")'
            done = subprocess.run(
                [sys.executable, "-c", program.replace(first, first + more)],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.stdout == "encrypted and verified\n", done.stderr


@pytest.mark.parametrize("index", [0, 1, 2])
def test_its_settings_exist(index: int, tmp_path: Path) -> None:
    file = tmp_path / "leveret.toml"
    file.write_text(block("toml", index))
    settings = Settings()
    assert take_file(settings, str(file), {}) == []
    assert set(settings.origin.values()) != {"default"}

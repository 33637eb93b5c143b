"""`yunhe evidence build|verify`."""

from pathlib import Path
from typing import Annotated

import typer

from commands import voice
from commands.clock import now
from commands.kept import load, open_store
from commands.options import DEFAULT_CONFIG, AsOfOption, ConfigOption, ScanOption
from commands.outcome import Exit, Refusal, os_sentence
from commands.output import output_file
from commands.voice import in_words
from exporters import tables
from inventory import settings
from inventory.text import mark, msg, tell


def build(
    project: Annotated[str, typer.Argument(help=in_words(mark("The project's code in the register.")))],
    output: Annotated[Path, typer.Option("--output", "-o", help=in_words(mark("The zip file to write.")))],
    config: ConfigOption = DEFAULT_CONFIG,
    number: ScanOption = None,
    as_of: AsOfOption = None,
    key: Annotated[
        Path | None, typer.Option("--key", help=in_words(mark("Ed25519 private key (PEM); made on first use.")))
    ] = None,
) -> None:
    """The page of conclusions, tables, raw documents, digests and a machine signature, in one file."""
    from exporters import evidence

    output = output_file(output)
    result = load(config, number, as_of)
    if any(p.native_id == project for p in result.inventory.projects):
        # Before there is a bundle: what it was built of must be there when somebody asks.
        with open_store(config) as opened:
            opened.cite(result.scan.number, project, at=now())
    key_path = key or settings.resolve(config.parent, settings.load(config).store.path).with_suffix(".key")
    try:
        built = evidence.build(result, project, output, key_path=key_path, tool=voice.TOOL)
    except evidence.UnknownProject as error:
        raise Refusal(Exit.USAGE, tell(error.message, voice.LOCALE)) from error
    except evidence.EvidenceError as error:
        raise Refusal(Exit.COULD_NOT_RUN, tell(error.message, voice.LOCALE)) from error
    except OSError as error:
        raise Refusal(Exit.COULD_NOT_RUN, os_sentence(error.filename or output, error)) from error
    typer.echo(f"{output}\n{built.fingerprint}")


def verify(
    file: Annotated[Path, typer.Argument(help=in_words(mark("The evidence file.")))],
    public_key: Annotated[
        Path | None, typer.Option("--public-key", help=in_words(mark("The centre's public key (PEM).")))
    ] = None,
) -> None:
    """Needs the file and a public key alone: no store, no network."""
    from exporters import evidence
    from exporters.signing import SigningKeyError

    if public_key is not None and not public_key.is_file():
        sentence = msg("{path}: there is no such file; expected a public key (PEM)", path=str(public_key))
        raise Refusal(Exit.USAGE, tell(sentence, voice.LOCALE))
    try:
        verified = evidence.verify(file, public_key=public_key)
    except SigningKeyError as error:
        raise Refusal(Exit.USAGE, tell(error.message, voice.LOCALE)) from error
    except evidence.EvidenceError as error:
        raise Refusal(Exit.INTEGRITY, tell(error.message, voice.LOCALE)) from error
    except OSError as error:
        raise Refusal(Exit.USAGE, os_sentence(error.filename or file, error)) from error
    typer.echo(tables.plain(verified.sentence(voice.LOCALE)))

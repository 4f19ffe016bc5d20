from au2.runtimes.pip_settings import (
    PipSettings,
    hide_passwords,
    parse_pip_settings,
    uv_environment,
    uv_options,
)

TEXT = """\
:env:.find-links='/wheels'
:env:.disable-pip-version-check='1'
global.cert='/etc/ca.pem'
global.extra-index-url='\\nhttps://a.example/simple\\nhttps://b.example/simple'
global.find-links='/other'
global.index-url='https://me:secret@index.example/simple'
install.trusted-host='a.example'
download.index-url='https://not.example'
nonsense
"""


def test_what_pip_says() -> None:
    settings = parse_pip_settings(TEXT)
    assert settings.index == "https://me:secret@index.example/simple"
    assert settings.more_indexes == ("https://a.example/simple", "https://b.example/simple")
    assert settings.find_links == ("/wheels",), "a variable wins"
    assert settings.trusted_hosts == ("a.example",)
    assert not settings.no_index
    assert parse_pip_settings("") == PipSettings()


def test_uv_is_told_the_same() -> None:
    options = " ".join(uv_options(parse_pip_settings(TEXT)))
    assert "--default-index https://me:secret@index.example/simple" in options
    assert "--index https://a.example/simple --index https://b.example/simple" in options
    assert "--find-links /wheels" in options
    assert "--index-strategy unsafe-best-match" in options
    assert uv_environment(parse_pip_settings(TEXT))["SSL_CERT_FILE"] == "/etc/ca.pem"
    offline = uv_options(parse_pip_settings("global.no-index='true'\n"))
    assert "--no-index" in offline


def test_passwords_are_not_shown() -> None:
    text = "could not reach https://me:secret@index.example/simple"
    assert hide_passwords(text, parse_pip_settings(TEXT)) == (
        "could not reach https://me:****@index.example/simple"
    )

from au2.domain.errors import Au2Error, Detail, NotFound, all_errors


def test_every_error_has_a_code_a_status_and_an_exit_code_of_the_specification():
    for code, error in all_errors().items():
        assert error.code == code
        assert 400 <= error.status < 600
        assert error.exit_code in {1, 2, 3, 4, 5, 6}


def test_no_two_errors_share_a_code():
    count = 1
    waiting = [Au2Error]
    while waiting:
        subclasses = waiting.pop().__subclasses__()
        count += len(subclasses)
        waiting.extend(subclasses)
    assert count == len(all_errors())


def test_the_default_message_is_the_first_line_of_the_docstring():
    assert NotFound().message == "There is no such thing here."


def test_a_detail_says_where():
    assert str(Detail("bad", file="env.yml", line=3)) == "env.yml:3: bad"
    assert str(Detail("bad", pointer="/a/0")) == "/a/0: bad"
    assert str(Detail("bad")) == "bad"

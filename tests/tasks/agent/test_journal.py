from tasks.agent.journal import Journal, redacted


def test_a_url_is_shown_without_query_fragment_and_user() -> None:
    text = (
        "GET https://key:secret@store.example:9000/a/b.jpg?X-Amz-Signature=s3cr3t#part, then 'http://h/p?q=1'"
    )
    assert redacted(text) == "GET https://store.example:9000/a/b.jpg?... then 'http://h/p?...'"


def test_control_characters_do_not_reach_the_log() -> None:
    assert redacted("a\x1b[31mb\x00") == "a [31mb "


def test_each_line_of_a_text_is_a_line_of_the_log() -> None:
    journal = Journal()
    journal.say("first\nsecond https://h/p?q=1")
    first, second = journal.document().decode().splitlines()
    assert (first[9:], second[9:]) == ("first", "second https://h/p?...")

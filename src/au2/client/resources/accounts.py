"""Logging in and out, who one is, and managed tokens."""

from datetime import datetime

from au2.client.http.urls import quote_segment
from au2.client.resources.resource import Resource
from au2.domain.errors import UnexpectedAnswer
from au2.wire.account import (
    AccountView,
    Login,
    NewTokenView,
    PasswordChange,
    TokenCreation,
    TokenView,
)
from au2.wire.documents import format_request, parse_record, parse_records
from au2.wire.violations import build


class Accounts(Resource):
    """``/login``, ``/account`` and ``/tokens``."""

    def login(self, email: str, password: str) -> NewTokenView:
        """Exchange a password for a login token. Raises WrongPassword."""
        document = format_request(build(Login, email=email, password=password))
        return _read_token(self._transport.call("POST", "/login", document=document))

    def renew(self) -> NewTokenView:
        """Exchange the login token for a fresh one; the old one ends."""
        return _read_token(self._transport.call("POST", "/tokens/renew"))

    def logout(self) -> None:
        """End the token that this transport carries."""
        self._transport.call("DELETE", "/tokens/current")

    def current_token(self) -> TokenView:
        """Return the token that this transport carries."""
        return parse_record(TokenView, self._transport.call("GET", "/tokens/current"))

    def account(self) -> AccountView:
        """Return whom the token belongs to."""
        return parse_record(AccountView, self._transport.call("GET", "/account"))

    def change_password(self, present: str, new: str, *, end_tokens: bool = False) -> None:
        """Replace the account's password; other logins end, and managed tokens if that is asked.

        Raises WrongPassword.
        """
        document = format_request(
            build(PasswordChange, present=present, new=new, end_tokens=end_tokens)
        )
        self._transport.call("PUT", "/account/password", document=document)

    def list_tokens(self) -> list[TokenView]:
        """Return all tokens of the account."""
        return parse_records(TokenView, self._transport.call("GET", "/tokens"))

    def create_token(self, name: str, expires_at: datetime | None) -> NewTokenView:
        """Make a managed token; its secret is in this answer and never again."""
        document = format_request(build(TokenCreation, name=name, expires_at=expires_at))
        return _read_token(self._transport.call("POST", "/tokens", document=document))

    def delete_token(self, token: str) -> None:
        """End a token, by id or name."""
        self._transport.call("DELETE", f"/tokens/{quote_segment(token, 'token')}")


def _read_token(document: object) -> NewTokenView:
    """Return a new token, which can be written to a file and sent in a header."""
    view = parse_record(NewTokenView, document)
    if not view.token or not view.token.isascii() or not view.token.isprintable():
        raise UnexpectedAnswer("The server gave no token that can be used.")
    return view

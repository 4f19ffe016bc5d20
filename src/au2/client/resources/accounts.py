"""Calls for logins, the account and managed tokens."""

from datetime import datetime

from au2.client.http.urls import quote_segment
from au2.client.resources.resource import Resource
from au2.domain.errors import UnexpectedAnswer
from au2.wire.account import (
    AccountView,
    Login,
    MembershipView,
    NewTokenView,
    PasswordChange,
    TokenCreation,
    TokenView,
)
from au2.wire.base import RequestType
from au2.wire.violations import build


class Accounts(Resource):
    """``/login``, ``/account`` and ``/tokens``."""

    def login(self, email: str, password: str) -> NewTokenView:
        """Exchange a password for a login token. Raises WrongPassword."""
        return self._new_token("/login", build(Login, email=email, password=password))

    def renew(self) -> NewTokenView:
        """Exchange the login token for a fresh one; the old one ends."""
        return self._new_token("/tokens/renew")

    def logout(self) -> None:
        """End the token of this transport."""
        self._call("DELETE", "/tokens/current")

    def current_token(self) -> TokenView:
        """Return the token of this transport."""
        return self._record(TokenView, "GET", "/tokens/current")

    def account(self) -> AccountView:
        """Return the account of the token."""
        return self._record(AccountView, "GET", "/account")

    def list_contexts(self) -> list[MembershipView]:
        """Return the contexts that the account's roles reach, with the strongest role in each."""
        return self._list(MembershipView, "/account/contexts")

    def change_password(self, current: str, new: str, *, end_tokens: bool = False) -> None:
        """Replace the account's password; other logins end, and managed tokens on demand.

        Raises WrongPassword.
        """
        change = build(
            PasswordChange, current_password=current, new_password=new, end_tokens=end_tokens
        )
        self._call("PUT", "/account/password", body=change)

    def list_tokens(self) -> list[TokenView]:
        """Return all tokens of the account."""
        return self._list(TokenView, "/tokens")

    def create_token(self, name: str, expires_at: datetime | None) -> NewTokenView:
        """Create a managed token. No other response holds its secret."""
        return self._new_token("/tokens", build(TokenCreation, name=name, expires_at=expires_at))

    def delete_token(self, token: str) -> None:
        """End a token, by id or name."""
        self._call("DELETE", f"/tokens/{quote_segment(token, 'token')}")

    def _new_token(self, path: str, body: RequestType | None = None) -> NewTokenView:
        """Return a new token whose secret can be written to a file and sent in a header."""
        view = self._record(NewTokenView, "POST", path, body=body)
        if not view.token or not view.token.isascii() or not view.token.isprintable():
            raise UnexpectedAnswer("The server gave no token that can be used.")
        return view

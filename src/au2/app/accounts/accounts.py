"""Accounts: users, logins and the authentication of requests by token."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from au2.app.accounts.email import MOST_EMAIL_CHARACTERS, parse_email
from au2.app.accounts.login_throttle import LoginThrottle
from au2.app.accounts.passwords import Passwords
from au2.app.accounts.tokens import (
    LOGIN,
    MANAGED,
    REGISTRY,
    NewToken,
    delete_expired,
    end_token,
    ensure_not_expired,
    hash_secret,
    make_registry_token,
    make_token,
    own_token,
)
from au2.app.accounts.users import get_user
from au2.app.lookup import find_context
from au2.domain import clock as clocks
from au2.domain import defaults
from au2.domain.accounts.account import Token, User
from au2.domain.accounts.context import Context
from au2.domain.accounts.identity import Actor, Role
from au2.domain.accounts.password import ensure_usable_password
from au2.domain.errors import (
    AccountDisabled,
    Conflict,
    DatabaseUnavailable,
    InvalidRequest,
    NotAuthenticated,
    StorageFull,
    TooManyAttempts,
    WrongPassword,
)
from au2.domain.event import PLATFORM, EventAction
from au2.domain.ids import make_guid
from au2.domain.throttle import LogThrottle
from au2.stores.database import accounts
from au2.stores.database.database import Database, Transaction
from au2.stores.database.events import add_event

_TOUCH_EVERY = timedelta(minutes=1)
_REFUSED_LOGIN = "refused login of %r from %s: %s"
logger = logging.getLogger(__name__)

_FORGOTTEN = "Forgotten? An operator of the server sets a new one: au2-server password EMAIL"


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """Duration of logins."""

    login_seconds: float = defaults.LOGIN_SECONDS
    """Without use; each use moves the end so far away."""
    longest_seconds: float = defaults.LONGEST_LOGIN_SECONDS
    """From the login on: no use moves the end beyond."""


@dataclass(frozen=True, slots=True)
class NamedMembership:
    """A role in a context, with the names of organization and project."""

    context: Context
    organization_name: str
    project_name: str | None
    role: Role


@dataclass(frozen=True, slots=True)
class Account:
    """Record of the actor: identity and roles."""

    id: str
    email: str
    is_operator: bool
    memberships: tuple[NamedMembership, ...]


class Accounts:
    """Users, their logins and the tokens of requests."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        options: SessionOptions | None = None,
        clock: Callable[[], datetime] = clocks.now,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._options = options or SessionOptions()
        self._clock = clock
        self._throttle = LoginThrottle(clock)
        self._refusals = LogThrottle()

    def add_user(self, email: str, password: str, *, is_operator: bool = False) -> User:
        """Create a user: for the operator's own command.

        Raises:
            InvalidRequest: no email address, or an empty password.
            Conflict: the address is taken.
        """
        address = parse_email(email)
        if not password:
            raise InvalidRequest("The password is empty.")
        user = User(
            make_guid(), address, self._passwords.hash(password), is_operator, self._clock()
        )
        with self._database.write() as transaction:
            if accounts.find_user_by_email(transaction, address) is not None:
                raise Conflict(f"There is already a user {address}.")
            accounts.add_user(transaction, user)
            self._note(transaction, address, EventAction.USER_CREATED, f"user:{user.id}")
        return user

    def actor_of(self, email: str) -> Actor:
        """Return a user as actor: for the operator's own command, which needs no token.

        Raises:
            NotFound: there is no such user.
        """
        with self._database.read() as transaction:
            return _make_actor(transaction, get_user(transaction, email), token_id="")

    def reset_password(self, email: str, password: str) -> int:
        """Replace a lost password: for the operator's own command.

        All the user's tokens end, managed ones too: a thief of the old password may have created
        some. Returns their number.

        Raises:
            NotFound: there is no such user.
            InvalidRequest: the password is too short or too long.
        """
        ensure_usable_password(password)
        password_hash = self._passwords.hash(password)
        with self._database.write() as transaction:
            user = get_user(transaction, email)
            accounts.set_password_hash(transaction, user.id, password_hash)
            ended = accounts.delete_all_tokens(transaction, user.id)
            self._note(transaction, PLATFORM, EventAction.USER_PASSWORD_RESET, f"user:{user.id}")
        return ended

    def login(
        self,
        email: str,
        password: str,
        *,
        address: str = "",
        for_registry_seconds: float | None = None,
    ) -> NewToken:
        """Exchange a password for a token.

        Args:
            email: in any letter case.
            password: as typed.
            address: of the client; failures are counted per email and client, and per client.
            for_registry_seconds: lifetime of a registry token, at most that of logins; None: a
                login.

        Raises:
            WrongPassword: the email address or the password is wrong.
            AccountDisabled: the password is right, and the account disabled.
            TooManyAttempts: too many failures lately.
            Conflict: the password was changed at this moment.
        """
        user = self._verify(email, password, address)
        rehashed = None
        if self._passwords.needs_rehash(user.password_hash):
            rehashed = self._passwords.hash(password)
        ends = self._login_ends()
        if for_registry_seconds is None:
            new = make_token(user.id, LOGIN, "login", at=self._clock(), expires_at=ends)
        else:
            new = make_registry_token(
                user.id,
                "password",
                at=self._clock(),
                lasts_seconds=for_registry_seconds,
                latest_end=ends,
            )
        with self._database.write() as transaction:
            _ensure_unchanged(transaction, user)
            if rehashed is not None:
                accounts.set_password_hash(transaction, user.id, rehashed)
            delete_expired(transaction, self._clock())
            accounts.add_token(transaction, new.token)
            self._note(transaction, user.email, EventAction.USER_LOGGED_IN, f"user:{user.id}")
        return new

    def lend_to_registry(
        self, secret: str, lasts_seconds: float, *, email: str = "", address: str = ""
    ) -> NewToken:
        """Exchange a token for a registry token with the same end, or an earlier one.

        A registry token is returned unchanged: none may prolong itself. A refusal is logged with
        the ``email`` that the client gives and the client's ``address``.

        Raises:
            NotAuthenticated: there is no such token.
            TokenExpired: the token has expired.
            StorageFull: the disk is full.
        """
        try:
            self.authenticate(secret, at_registry=True)
        except NotAuthenticated as error:
            self._log_refusal(email, address, error)
            raise
        # Lost in a power cut, it is asked for again.
        with self._database.write(durable=False) as transaction:
            lender = accounts.find_token_by_hash(transaction, hash_secret(secret))
            if lender is None:
                raise NotAuthenticated("The token is not valid.", hint="Log in again: au2 login")
            if lender.kind == REGISTRY:
                return NewToken(lender, secret)
            new = make_registry_token(
                lender.user_id,
                lender.id,
                at=self._clock(),
                lasts_seconds=lasts_seconds,
                latest_end=lender.expires_at,
            )
            delete_expired(transaction, self._clock())
            accounts.add_token(transaction, new.token)
        return new

    def change_password(
        self, actor: Actor, present: str, new: str, *, address: str = "", end_tokens: bool = False
    ) -> None:
        """Replace the actor's password, and end all their logins but the present one.

        ``end_tokens`` ends all their managed tokens too: a thief of the old password may have
        created some, which would outlive the change.

        Raises:
            InvalidRequest: the new password is too short or too long.
            WrongPassword: the present password is wrong.
            TooManyAttempts: too many failures lately; they count together with those of logins.
            Conflict: the password was changed at this moment.
        """
        ensure_usable_password(new)
        try:
            user = self._verify(actor.email, present, address)
        except WrongPassword:
            hint = "Nothing was changed."
            raise WrongPassword("The present password is wrong.", hint=hint) from None
        new_hash = self._passwords.hash(new)
        with self._database.write() as transaction:
            token = own_token(transaction, actor)
            _ensure_unchanged(transaction, user)
            accounts.set_password_hash(transaction, user.id, new_hash)
            accounts.delete_tokens_but(transaction, user.id, kind=LOGIN, kept_id=token.id)
            accounts.delete_tokens_but(transaction, user.id, kind=REGISTRY, kept_id=token.id)
            if end_tokens:
                accounts.delete_tokens_but(transaction, user.id, kind=MANAGED, kept_id="")
            self._note(
                transaction, user.email, EventAction.USER_PASSWORD_CHANGED, f"user:{user.id}"
            )

    def _verify(self, email: str, password: str, address: str) -> User:
        """Return the user, if the password is right and there were not too many failures."""
        known_as = email.strip().lower()
        try:
            attempt = self._throttle.begin(known_as, address)
        except TooManyAttempts as error:
            self._log_refusal(email, address, error)
            raise
        with attempt:
            with self._database.read() as transaction:
                user = accounts.find_user_by_email(transaction, known_as)
            fits = self._passwords.verify(user.password_hash if user else None, password)
            if user is None or not fits:
                wrong = WrongPassword(hint=_FORGOTTEN)
                self._log_refusal(email, address, wrong)
                raise wrong
            attempt.succeed()
        try:
            _ensure_enabled(user)
        except AccountDisabled as error:
            self._log_refusal(email, address, error)
            raise
        return user

    def authenticate(self, secret: str, *, at_registry: bool = False) -> Actor:
        """Return the actor of a token's secret. Part of every request: one read.

        The registry (``at_registry``) accepts all kinds of tokens.

        Raises:
            NotAuthenticated: there is no such token, or only the registry accepts this kind.
            AccountDisabled: the account of its user is disabled.
            TokenExpired: the token has expired.
        """
        now = self._clock()
        with self._database.read() as transaction:
            token = accounts.find_token_by_hash(transaction, hash_secret(secret))
            user = None if token is None else accounts.find_user(transaction, token.user_id)
            if token is None or user is None:
                raise NotAuthenticated("The token is not valid.", hint="Log in again: au2 login")
            _ensure_enabled(user)
            ensure_not_expired(token, now)
            if token.kind == REGISTRY and not at_registry:
                raise NotAuthenticated(
                    "This token is for the image registry only.", hint="Log in: au2 login"
                )
            actor = _make_actor(transaction, user, token.id)
        if token.last_used_at is None or now - token.last_used_at > _TOUCH_EVERY:
            self._touch(token, now)
        return actor

    def refresh(self, actor: Actor) -> Actor:
        """Return the actor with the present roles: for requests that may outlast a right.

        Raises:
            NotAuthenticated: the token was removed.
            TokenExpired: the token has expired. Not for registry tokens: a push waiting for its
                import would break off, and no client asks for another token in the same request.
        """
        with self._database.read() as transaction:
            token = own_token(transaction, actor)
            user = accounts.find_user(transaction, actor.user_id)
            if user is None:
                raise NotAuthenticated(hint="Log in again: au2 login")
            _ensure_enabled(user)
            if token.kind != REGISTRY:
                ensure_not_expired(token, self._clock())
            return _make_actor(transaction, user, token.id)

    def _touch(self, token: Token, now: datetime) -> None:
        """Record the use of a token, which prolongs a login, and never another token."""
        ends = token.expires_at
        if token.kind == LOGIN and ends is not None:
            latest = token.created_at + timedelta(seconds=self._options.longest_seconds)
            ends = max(ends, min(self._login_ends(), latest))
        since = now - _TOUCH_EVERY
        try:
            with self._database.write(durable=False, patient=False) as transaction:
                accounts.touch_token(
                    transaction, token.id, at=now, expires_at=ends, unless_since=since
                )
        except (StorageFull, DatabaseUnavailable):
            # Neither a full disk nor a locked database must keep people from looking.
            return

    def renew(self, actor: Actor) -> NewToken:
        """Replace the actor's login token by a new one with the full duration. Raises Conflict."""
        with self._database.write() as transaction:
            token = own_token(transaction, actor)
            if token.kind != LOGIN:
                raise Conflict(
                    "A managed token is not renewed.",
                    hint="Make a new one: au2 token create NAME",
                )
            new = make_token(
                actor.user_id,
                LOGIN,
                token.name,
                at=self._clock(),
                expires_at=self._login_ends(),
            )
            end_token(transaction, token)
            accounts.add_token(transaction, new.token)
            self._note(transaction, actor.email, EventAction.TOKEN_RENEWED, f"token:{new.token.id}")
        return new

    def logout(self, actor: Actor) -> None:
        """End a login. A managed token stays: other programs may use the token."""
        with self._database.write() as transaction:
            token = own_token(transaction, actor)
            if token.kind == LOGIN:
                end_token(transaction, token)
                self._note(
                    transaction, actor.email, EventAction.USER_LOGGED_OUT, f"user:{actor.user_id}"
                )

    def token_info(self, actor: Actor) -> Token:
        """Return the token of the request."""
        with self._database.read() as transaction:
            return own_token(transaction, actor)

    def show(self, actor: Actor) -> Account:
        """Return the actor's account, with the names of all contexts."""
        with self._database.read() as transaction:
            named = tuple(
                _name_membership(transaction, membership.context, membership.role)
                for membership in actor.memberships
            )
        return Account(actor.user_id, actor.email, actor.is_operator, named)

    def _log_refusal(self, email: str, address: str, error: NotAuthenticated) -> None:
        """Log each wrong password, whose number is bounded, and of the rest one a minute."""
        # In quotes and not longer than an address can be: a guesser may type anything there.
        values = (email[:MOST_EMAIL_CHARACTERS], address or "?", error.message)
        if isinstance(error, WrongPassword):
            logger.warning(_REFUSED_LOGIN, *values)
        else:
            self._refusals.log(logger, _REFUSED_LOGIN, *values)

    def _login_ends(self) -> datetime:
        seconds = min(self._options.login_seconds, self._options.longest_seconds)
        return self._clock() + timedelta(seconds=seconds)

    def _note(self, transaction: Transaction, who: str, action: EventAction, subject: str) -> None:
        add_event(transaction, who, action, subject, at=self._clock())


def _make_actor(transaction: Transaction, user: User, token_id: str) -> Actor:
    memberships = accounts.list_memberships(transaction, user.id)
    return Actor(user.id, user.email, token_id, user.is_operator, tuple(memberships))


def _ensure_unchanged(transaction: Transaction, verified: User) -> None:
    """Refuse if the password was changed since its verification: a change ends all logins."""
    user = accounts.find_user(transaction, verified.id)
    if user is None or user.password_hash != verified.password_hash:
        raise Conflict("The password was changed at this moment.", hint="Try again.")
    _ensure_enabled(user)


def _ensure_enabled(user: User) -> None:
    if user.disabled_at is not None:
        raise AccountDisabled(hint="Ask an operator of the server.")


def _name_membership(transaction: Transaction, context: Context, role: Role) -> NamedMembership:
    organization, project = find_context(transaction, context)
    return NamedMembership(
        context,
        "" if organization is None else organization.name,
        None if project is None else project.name,
        role,
    )

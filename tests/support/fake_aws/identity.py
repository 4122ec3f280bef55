# SPDX-License-Identifier: MIT
"""STS and IAM, as far as a setup and its credentials need them."""

import json
import re
import time
import urllib.parse
from xml.sax.saxutils import escape

from .errors import AwsError
from .world import ACCOUNT, Key

NO_SUCH_ENTITY = "NoSuchEntity"


class Role:
    def __init__(self, name, role_id, trust, created):
        self.name, self.id, self.trust, self.created = name, role_id, trust, created
        self.policies = {}
        self.arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"


def iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Identity:
    """Each operation returns the XML inside <ActionResult>."""

    def __init__(self, world):
        self.world = world
        self.roles = {}

    def role_of(self, arn):
        return next((role for role in self.roles.values() if role.arn == arn), None)

    def want(self, form, name):
        value = form.get(name)
        if not value:
            raise AwsError("ValidationError", "1 validation error detected: Value null at "
                           f"'{name[0].lower()}{name[1:]}' failed to satisfy constraint: Member must not be null", 400)
        return value

    # STS

    def GetCallerIdentity(self, _form, key):
        return f"<UserId>AIDAFAKE</UserId><Account>{ACCOUNT}</Account><Arn>{key.arn}</Arn>"

    def AssumeRole(self, form, _key):
        arn, session = self.want(form, "RoleArn"), self.want(form, "RoleSessionName")
        if self.role_of(arn) is None:
            raise AwsError("AccessDenied", f"User: arn:aws:iam::{ACCOUNT}:user/tester is not authorized to perform: "
                           f"sts:AssumeRole on resource: {arn}", 403)
        return self.session(form, arn, session)

    def AssumeRoleWithWebIdentity(self, form, _key):
        arn, session = self.want(form, "RoleArn"), self.want(form, "RoleSessionName")
        token = self.want(form, "WebIdentityToken")
        if token.startswith("expired"):
            raise AwsError("ExpiredTokenException", "Token expired: current date/time must be before the expiration "
                           "date/time", 400)
        if self.role_of(arn) is None:
            raise AwsError("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403)
        return self.session(form, arn, session)

    def session(self, form, arn, session):
        if not re.fullmatch(r"[\w+=,.@-]{2,64}", session, re.ASCII):
            raise AwsError("ValidationError", "Value at 'roleSessionName' failed to satisfy constraint", 400)
        seconds = int(form.get("DurationSeconds", "3600"))
        if not 900 <= seconds <= 43200:
            raise AwsError("ValidationError", f"1 validation error detected: Value '{seconds}' at 'durationSeconds' "
                           "failed to satisfy constraint", 400)
        key_id, key = self.temporary(arn, session, seconds)
        return ("<Credentials>"
                f"<AccessKeyId>{key_id}</AccessKeyId><SecretAccessKey>{escape(key.secret)}</SecretAccessKey>"
                f"<SessionToken>{escape(key.token)}</SessionToken><Expiration>{iso(key.expires)}</Expiration>"
                f"</Credentials><AssumedRoleUser><AssumedRoleId>AROAFAKE:{session}</AssumedRoleId>"
                f"<Arn>{key.arn}</Arn></AssumedRoleUser>")

    def temporary(self, arn, session, seconds):
        """A new key with a session token that ends."""
        draw = self.world.random
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
        key_id = "ASIA" + "".join(draw.choice(letters) for _ in range(16))
        secret = "".join(draw.choice(letters.lower() + "/+") for _ in range(40))
        token = "".join(draw.choice(letters + letters.lower() + "/+") for _ in range(600)) + "=="
        name = arn.rpartition("/")[2]
        key = Key(secret, token, self.world.now() + seconds, f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{session}")
        self.world.keys[key_id] = key
        return key_id, key

    # IAM

    def CreateRole(self, form, _key):
        name = self.want(form, "RoleName")
        trust = self.document(self.want(form, "AssumeRolePolicyDocument"))
        if not re.fullmatch(r"[\w+=,.@-]{1,64}", name, re.ASCII):
            raise AwsError("ValidationError", "The specified value for roleName is invalid.", 400)
        if name in self.roles:
            raise AwsError("EntityAlreadyExists", f"Role with name {name} already exists.", 409)
        role = self.roles[name] = Role(name, f"AROA{len(self.roles):016d}", trust, self.world.now())
        return f"<Role>{self.described(role)}</Role>"

    def document(self, text):
        try:
            if isinstance(json.loads(text)["Statement"], (list, dict)):
                return text
        except (ValueError, KeyError, TypeError):
            pass
        raise AwsError("MalformedPolicyDocument", "This policy contains invalid Json", 400)

    def described(self, role):
        return (f"<Path>/</Path><RoleName>{role.name}</RoleName><RoleId>{role.id}</RoleId><Arn>{role.arn}</Arn>"
                f"<CreateDate>{iso(role.created)}</CreateDate><AssumeRolePolicyDocument>"
                f"{urllib.parse.quote(role.trust)}</AssumeRolePolicyDocument><MaxSessionDuration>3600"
                "</MaxSessionDuration>")

    def find(self, form):
        name = self.want(form, "RoleName")
        role = self.roles.get(name)
        if role is None:
            raise AwsError(NO_SUCH_ENTITY, f"The role with name {name} cannot be found.", 404)
        return role

    def GetRole(self, form, _key):
        return f"<Role>{self.described(self.find(form))}</Role>"

    def PutRolePolicy(self, form, _key):
        role = self.find(form)
        role.policies[self.want(form, "PolicyName")] = self.document(self.want(form, "PolicyDocument"))
        return None

    def GetRolePolicy(self, form, _key):
        role, name = self.find(form), self.want(form, "PolicyName")
        if name not in role.policies:
            raise AwsError(NO_SUCH_ENTITY, f"The role policy with name {name} cannot be found.", 404)
        return (f"<RoleName>{role.name}</RoleName><PolicyName>{name}</PolicyName><PolicyDocument>"
                f"{urllib.parse.quote(role.policies[name])}</PolicyDocument>")

    def ListRolePolicies(self, form, _key):
        names = "".join(f"<member>{name}</member>" for name in sorted(self.find(form).policies))
        return f"<PolicyNames>{names}</PolicyNames><IsTruncated>false</IsTruncated>"

    def DeleteRolePolicy(self, form, _key):
        self.find(form).policies.pop(self.want(form, "PolicyName"), None)
        return None

    def DeleteRole(self, form, _key):
        del self.roles[self.find(form).name]
        return None

"""Everybody may do what they have to, and no more."""

from contracts.names import LEDGER_KEY, BatchId, evidence_key, frames_topic
from tests.infra.lookups import policies
from tests.infra.recording import ACCOUNT, Program, statements

# Actions that know no resources (AWS's service authorization reference).
WITHOUT_RESOURCES = {
    "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
}


def test_a_resource_is_a_wildcard_only_where_the_action_knows_none(program: Program) -> None:
    for name, found in policies(program).items():
        for statement in found:
            assert not [action for action in statement["Action"] if "*" in action], name
            if "*" in statement["Resource"]:
                assert set(statement["Action"]) <= WITHOUT_RESOURCES, name


def test_the_roles_of_service_accounts_may_do_what_their_service_does(program: Program) -> None:
    found = policies(program)
    reader = {(tuple(s["Action"]), tuple(s["Resource"])) for s in found["model-reader"]}
    models = f"arn:aws:s3:ap-south-1:{ACCOUNT}:models"
    assert reader == {
        (("s3:ListBucket",), (models,)),
        (("s3:GetObject",), (f"{models}/model_repository/*",)),
    }
    evidence = f"arn:aws:s3:ap-south-1:{ACCOUNT}:evidence"
    writer = {(tuple(s["Action"]), tuple(s["Resource"])) for s in found["postproc"]}
    assert writer == {(("s3:PutObject",), (f"{evidence}/evidence/*",))}
    looker = {(tuple(s["Action"]), tuple(s["Resource"])) for s in found["viewer"]}
    assert looker == {
        (("s3:ListBucket",), (evidence,)),
        (("s3:GetObject",), (f"{evidence}/evidence/*", f"{evidence}/ledger/*")),
    }


def test_the_viewer_may_read_every_key_that_it_asks_for(program: Program) -> None:
    (readable,) = [
        s["Resource"] for s in policies(program)["viewer"] if s["Action"] == ["s3:GetObject"]
    ]
    folders = [resource.partition("evidence/")[2].removesuffix("*") for resource in readable]
    batch = BatchId(frames_topic("cam1"), 0, 0)
    for key in (evidence_key(batch, 0, 0), LEDGER_KEY):
        assert any(key.startswith(folder) for folder in folders), key


def test_a_role_trusts_one_service_account_of_this_cluster(program: Program) -> None:
    for account in ("model-reader", "postproc", "viewer"):
        role = program.one("iam/role:Role", account)
        (trust,) = statements(role.inputs["assumeRolePolicy"])
        assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
        assert trust["Principal"]["Federated"].endswith("oidc-provider/oidc.eks/id/1")
        assert trust["Condition"]["StringEquals"] == {
            "oidc.eks/id/1:sub": f"system:serviceaccount:framerail:{account}",
            "oidc.eks/id/1:aud": "sts.amazonaws.com",
        }


def test_a_machine_reads_its_own_parameters_and_no_others(program: Program) -> None:
    for machine, count in (("broker", 6), ("camera", 1)):
        reading = [
            statement
            for statement in policies(program)[f"{machine}-policy"]
            if "ssm:GetParameter" in statement["Action"]
        ]
        (resources,) = [statement["Resource"] for statement in reading]
        assert len(resources) == count
        assert all(f":{machine}-" in resource for resource in resources)


def test_control_plane_and_nodes_may_do_what_eks_asks_for(program: Program) -> None:
    attached = program.of("iam/rolePolicyAttachment:RolePolicyAttachment")
    given = [each.inputs["policyArn"].removeprefix("arn:aws:iam::aws:policy/") for each in attached]
    assert sorted(given) == [
        "AmazonEC2ContainerRegistryPullOnly",
        "AmazonEKSClusterPolicy",
        "AmazonEKSWorkerNodePolicy",
        "AmazonEKS_CNI_Policy",
    ]


def test_the_administrator_is_the_reviewer_alone(program: Program) -> None:
    attached = program.of("PolicyAttachment")
    administrators = [
        each for each in attached if each.inputs["policyArn"].endswith("/AdministratorAccess")
    ]
    assert [each.type for each in administrators] == [
        "aws:iam/userPolicyAttachment:UserPolicyAttachment"
    ]
    assert program.one("iam/user:User").inputs["name"] == "founders@optifye.ai"


def test_the_reviewer_must_change_the_first_password_and_may_administer_the_cluster(
    program: Program,
) -> None:
    profile = program.one("UserLoginProfile")
    assert profile.inputs["passwordResetRequired"] is True
    association = program.one("AccessPolicyAssociation")
    assert association.inputs["policyArn"].endswith("/AmazonEKSClusterAdminPolicy")
    assert association.inputs["accessScope"] == {"type": "cluster"}
    assert association.inputs["principalArn"] == program.one("AccessEntry").inputs["principalArn"]


def test_only_iam_identities_get_into_the_cluster(program: Program) -> None:
    cluster = program.one("eks:index:Cluster").inputs
    assert cluster["authenticationMode"] == "API"
    assert cluster["createOidcProvider"] is True
    assert cluster["skipDefaultNodeGroup"] is True
    assert cluster["vpcCniOptions"]["enableNetworkPolicy"] is True

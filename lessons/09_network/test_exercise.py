"""Lesson 09: how forward and backward of the network are judged.

A learner's cache is the learner's own affair, so backward is judged together with the forward in the same file.
"""

import inspect
from functools import partial, wraps
from itertools import count
from pathlib import Path

import numpy as np

from lessons.engine import course
from lessons.engine.exercises import DONE, TODO, WRONG, Exercise, Verdict, values
from lessons.engine.watch import TroubleError, watched
from tinysegnet import networks, ops
from tinysegnet.checker.finite_differences import upstream
from tinysegnet.checker.forwardcheck import ForwardError, check_forward
from tinysegnet.checker.mistakes.table import Table
from tinysegnet.networks.blocks import chain, conv, conv_norm, pool, relu, unpool
from tinysegnet.ops.fast import ops_with

OPS = ops_with()
SMALL = {"classes": 3, "filters": 4, "levels": 2, "kernel": 3}
NETWORK = networks.build("segnet-basic", **SMALL)       # its functions take parameters of any sizes
forward = NETWORK.forward                               # own_forward finds it where library_backward is
OF_PARAMS, OF_STATS = NETWORK.shapes, NETWORK.stats
GROUPS = "classifier", "decoder1", "decoder2", "encoder2", "encoder1"       # in the order of a backward
NAMES = "x", "params"


def case(N, H, W, seed, **options):
    """An x, and parameters none of which is 0 or 1."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((N, H, W, 3))
    params, _ = networks.init(networks.build("segnet-basic", **SMALL | options), seed, np.float64)
    return x, {name: a + 0.2 * rng.standard_normal(a.shape) for name, a in params.items()}


CASES = (
    case(1, 8, 12, 1),
    case(2, 8, 8, 2, classes=2),
    case(1, 7, 8, 3),                   # odd at level 1
    case(2, 6, 10, 4, filters=3),         # odd at level 2
    case(1, 5, 7, 5, kernel=5),
    case(3, 4, 4, 6, kernel=1),         # one pixel deep down, or nearly
)


def like(params, x):
    return {name: a.astype(x.dtype) for name, a in params.items()}


def forward_of(function, pick):
    """pick(logits, batch_stats, cache) as a function of x and params; forward has to keep its hands off params."""

    def run(x, params):
        params = like(params, x)
        before = {name: a.copy() for name, a in params.items()}
        result = function(params, x, OPS)
        if result is None:
            return pick(None, None, None)
        if not isinstance(result, tuple | list) or len(result) != 3:
            raise ForwardError("forward should return logits, batch_stats, cache", ("logits", "batch_stats"))
        if params.keys() != before.keys() or any(not np.array_equal(params[name], before[name]) for name in before):
            raise ForwardError("forward changes params: it should only read them", ("logits", "batch_stats"))
        return pick(*result)

    run.__name__ = "forward"
    return run


def logits_of(function):
    return forward_of(function, lambda logits, stats, cache: logits)


def statistics_of(function, *keys):
    """The statistics under some keys, by default all."""

    def pick(logits, found, cache):
        if found is None:
            return None
        if said := about_keys("batch_stats", found, OF_STATS):
            raise ForwardError(said, ("batch_stats",))
        return tuple(found[key] for key in keys or OF_STATS)

    return forward_of(function, pick)


def about_keys(what, found, wanted, all_of_them=True):
    """A sentence if a dict has not the keys that it should have, or is none; None if all is well."""
    if not isinstance(found, dict):
        return f"  {what} should be a dict, is {type(found).__name__}"
    missing, strange = [key for key in wanted if key not in found], [key for key in found if key not in wanted]
    said = [f"  {what} has {strange[0]!r}, which is none of its keys"] if strange else []
    if missing and all_of_them:
        more = f", and {len(missing) - 1} more are missing" if len(missing) > 1 else ""
        said.append(f"  {what} has no {missing[0]!r}{more}")
    return "\n".join(said) or None


def first_wrong(adapt, learner, library, keys, mistakes, args):
    """None, or a report on the first of some arrays that is not the library's. adapt(function, *keys) gives them."""

    def check(*keys):
        check_forward(adapt(learner, *keys), adapt(library, *keys), *args, names=NAMES, results=keys, mistakes=mistakes)

    try:
        check(*keys)
    except ForwardError as error:
        bad = next((key for key in keys if key in error.wrong), None)
        if bad is None:                 # an argument was changed, or there is no such key
            return str(error)
        try:
            check(bad)
        except ForwardError as first:
            before = keys.index(bad)
            note = f"\n  note  it is the first that is wrong; the {before} before it are right"
            return f"{first}{note if before else ''}"
    return None


def norm(name):
    """A batch norm without its convolution."""
    return conv_norm(name, C=1, F=1, K=1)[1]        # a forward takes what it is given, of whatever size


def unpool_to_twice(level):
    """An unpooling to twice the size, whatever size was pooled."""

    def forward(params, x, ops, kept):
        corners, _ = kept[level]
        N, H, W, C = corners.shape
        return ops.max_unpool(x, corners, (N, 2 * H, 2 * W, C)), {}, None

    return unpool(level)._replace(forward=forward)


def network(
    x, params, encoder="conv norm relu pool", decoder="unpool conv norm", decoders=(2, 1), unpool=unpool,
    before_classifier=(), after_classifier=(), **of_one_block,
):
    """logits and statistics of a network whose blocks come in some other order, of one block or of all."""

    def conv_like(name):
        K, _, C, F = params[f"{name}.w"].shape
        return conv(name, C, F, K)

    makers = {
        "conv": lambda name, level: conv_like(f"{name}.conv"), "norm": lambda name, level: norm(name),
        "relu": lambda name, level: relu(),
        "pool": lambda name, level: pool(level), "unpool": lambda name, level: unpool(level),
    }
    way = [(f"encoder{level}", level, encoder) for level in (1, 2)]
    way += [(f"decoder{number}", level, decoder) for level, number in zip((2, 1), decoders)]
    blocks = [makers[kind](name, level) for name, level, kinds in way for kind in of_one_block.get(name, kinds).split()]
    in_order = chain(*blocks, *before_classifier, conv_like("classifier"), *after_classifier)
    logits, found, _ = in_order.forward(like(params, x), x, OPS)
    return found | {"logits": logits}


def built(**changed):
    """network, changed in this, as a function of x and params."""
    return lambda x, params: network(x, params, **changed)


FORWARD = Table("tinysegnet/networks/segnet_basic.py", lambda: (case(2, 7, 8, 101), case(1, 8, 12, 102)))
FORWARD.mistake("there is no ReLU in the encoder", "logits", no_relu=built(encoder="conv norm pool"))
FORWARD.mistake("in the encoder ReLU comes before batch norm: it comes after it", "logits",
                relu_before_norm=built(encoder="conv relu norm pool"))
FORWARD.mistake("in the decoder batch norm comes before the convolution: it comes after it",
                norm_before_conv=built(decoder="unpool norm conv"))
FORWARD.mistake("in the encoder batch norm comes after the pooling: it comes before ReLU",
                norm_after_pool=built(encoder="conv pool norm relu"))
FORWARD.mistake("in the encoder the pooling comes before ReLU: it comes after it, and so have other corners",
                pool_before_relu=built(encoder="conv norm pool relu"))
FORWARD.mistake("in the encoder batch norm comes last: it comes right after the convolution",
                norm_after_relu_and_pool=built(encoder="conv relu pool norm"))
FORWARD.mistake("there is a ReLU in the decoder: SegNet-Basic has none there", "logits",
                relu_in_decoder=built(decoder="unpool conv norm relu"))
FORWARD.mistake("there is a ReLU in the decoder, before batch norm: SegNet-Basic has none there",
                relu_in_decoder_before_norm=built(decoder="unpool conv relu norm"))
FORWARD.mistake("there is a ReLU before the classifier: what comes out of the last batch norm goes in as it is",
                relu_before_classifier=built(before_classifier=[relu()]))
FORWARD.mistake("the batch norm of the encoder is left out", "logits",
                no_norm_in_encoder=built(encoder="conv relu pool"))
FORWARD.mistake("the batch norm of the decoder is left out", "logits", no_norm_in_decoder=built(decoder="unpool conv"))
FORWARD.mistake("batch norm is left out everywhere", no_norm=built(encoder="conv relu pool", decoder="unpool conv"))
FORWARD.mistake("decoder1 comes before decoder2: the way up begins at the deepest level, with decoder2",
                decoders_exchanged=built(decoders=(1, 2)))
FORWARD.mistake("a map is unpooled to twice its size: give back the shape that was pooled, which may have been odd",
                twice_the_size=built(unpool=unpool_to_twice))
FORWARD.mistake("in the decoder the convolution comes before the unpooling: it comes after it, to fill the zeros",
                conv_first=built(decoder="conv unpool norm"))
FORWARD.mistake("in the decoder the unpooling comes last: it comes first",
                unpooled_last=built(decoder="conv norm unpool"))


FORWARD.mistake("there is a ReLU after the classifier: the logits are what comes out of it",
                relu_after_classifier=built(after_classifier=[relu()]))
for one in "encoder1", "encoder2":
    FORWARD.mistake(f"there is no ReLU in {one}", no_relu_in_one=built(**{one: "conv norm pool"}))
    FORWARD.mistake(f"the batch norm of {one} is left out", no_norm_in_one=built(**{one: "conv relu pool"}))
    FORWARD.mistake(f"in {one} ReLU comes before batch norm: it comes after it",
                    relu_before_norm_in_one=built(**{one: "conv relu norm pool"}))
for one in "decoder1", "decoder2":
    FORWARD.mistake(f"the batch norm of {one} is left out", no_norm_in_one=built(**{one: "unpool conv"}))
FORWARD.mistake("there is a ReLU in decoder2: SegNet-Basic has none in its decoder",
                relu_in_decoder2=built(decoder2="unpool conv norm relu"))


def with_params(taken):
    """network with other parameters; taken(params) gives those that are exchanged."""
    return lambda x, params: network(x, params | taken(params))


def those_of(source, part):
    """params[source + part ...] under the names of each other block, as a function of the block and params."""
    return lambda block, params: {key.replace(source, block): a for key, a in params.items()
                                  if key.startswith(f"{source}.{part}")}


for block, source in ("decoder1", "decoder2"), ("decoder2", "decoder1"), ("encoder2", "encoder1"), (
        "encoder1", "encoder2"), ("decoder2", "encoder2"), ("decoder1", "encoder1"):
    for part, what in ("norm.beta", "beta"), ("norm.gamma", "gamma"), ("norm", "gamma and beta"), ("conv.w", "kernel"):
        if part != "conv.w" or "encoder1" not in (block, source):           # that has another shape
            FORWARD.mistake(f"{block} has the {what} of {source}: each block has parameters of its own",
                            of_another=with_params(partial(those_of(source, part), block)))
FORWARD.mistake("gamma and beta are exchanged: it is batch_norm(x, gamma, beta)", gamma_and_beta_exchanged=with_params(
                    lambda params: under_each_other(params, ".gamma", ".beta")))
FORWARD.mistake("the logits lack classifier.b", no_bias_in_classifier=with_params(
                    lambda params: {"classifier.b": 0 * params["classifier.b"]}))


@FORWARD.mistake("the logits have been through a softmax: the loss takes them as they are")
def probabilities(x, params):
    found = network(x, params)
    return found | {"logits": ops.softmax(found["logits"])}


def under_each_other(found, a, b):
    """What stands in a dict under keys with a in them, and with b, the two exchanged."""
    keys = [key for key in found if a in key or b in key]
    return {key: found[key.replace(a, b) if a in key else key.replace(b, a)] for key in keys}


FORWARD.mistake("where mean belongs is var, or the other way round",
                mean_and_var_exchanged=lambda x, params: under_each_other(network(x, params), ".mean", ".var"))


FORWARD.mistake("under the keys of one decoder are the statistics of the other", decoders_exchanged_in_statistics=(
                    lambda x, params: statistics_exchanged(x, params, "decoder1", "decoder2")))
FORWARD.mistake("under the keys of one encoder are the statistics of the other", encoders_exchanged_in_statistics=(
                    lambda x, params: statistics_exchanged(x, params, "encoder1", "encoder2")))


def statistics_exchanged(x, params, a, b):
    return under_each_other(network(x, params), a, b)


@FORWARD.mistake("there is a root where the variance itself belongs")
def deviations(x, params):
    return {key: np.sqrt(a) for key, a in network(x, params).items() if key.endswith("var")}


def all_gradients(forward, backward, x, params, ops=OPS):
    logits, _, cache = forward(like(params, x), x, ops)
    return backward(upstream(logits, 0).astype(x.dtype), cache, ops)


def without_rounding(key, grads):
    """A gradient; that of a bias before a batch norm is 0, and what rounding leaves of it is made 0."""
    gradient = grads[key]
    if key.endswith("conv.b") and isinstance(gradient, np.ndarray):
        floor = 1e-4 if gradient.dtype == np.float32 else 1e-10
        return gradient * (np.abs(gradient) > floor * np.abs(grads[key[:-1] + "w"]).max(initial=0))
    return gradient


def counted(function):
    """function(how-manieth call, ...), counting."""
    calls = count(1)
    return lambda *args: function(next(calls), *args)


def went_back(**changed):
    """All gradients of the library's backward with some operations changed, as a function of x and params.

    changed  function(how-manieth call, ...) by the operation's name: batch_norm_backward is called for decoder1,
             decoder2, encoder2, encoder1, and conv2d_backward for the classifier and then these
    """

    def run(x, params):
        ops = ops_with(**{name: counted(function) for name, function in changed.items()})
        grads = all_gradients(NETWORK.forward, lambda *args: NETWORK.backward(*args)[1], x, params, ops)
        return {key: without_rounding(key, grads) for key in grads}

    return run


def past(name, *calls):
    """All gradients if in these calls of an operation the gradient goes past it unchanged."""
    op = getattr(OPS, name)

    def run(call, dy, *args):
        dx, *others = op(dy, *args)
        return (dy if call in calls else dx), *others

    return went_back(**{name: run})


BACKWARD = Table("tinysegnet/networks/blocks.py", FORWARD.cases)
BACKWARD.mistake("relu_backward is missing, or comes too late: ReLU was the last before the pooling",
                 relu_left_out=went_back(relu_backward=lambda call, dy, cache: dy))


@BACKWARD.mistake("relu_backward is missing, or comes too late: ReLU was the last before the pooling")
def relu_after_norm(x, params):
    masks = []

    def keep(call, dy, mask):
        masks.append(mask)
        return dy

    def norm(call, dy, cache):
        dx, dgamma, dbeta = OPS.batch_norm_backward(dy, cache)
        return (dx * masks.pop() if call > 2 else dx), dgamma, dbeta

    return went_back(relu_backward=keep, batch_norm_backward=norm)(x, params)


BACKWARD.mistake("in the decoder the gradient goes on as it came to batch norm: what goes on is the dx of "
                 "batch_norm_backward", past_the_norm_of_decoders=past("batch_norm_backward", 1, 2))
BACKWARD.mistake("in the encoder the gradient goes on as it came to batch norm: what goes on is the dx of "
                 "batch_norm_backward", past_the_norm_of_encoders=past("batch_norm_backward", 3, 4))
BACKWARD.mistake("in the decoder the gradient goes on as it came to the convolution: what goes on is the dx of "
                 "conv2d_backward", past_the_conv_of_decoders=past("conv2d_backward", 2, 3))
BACKWARD.mistake("in the encoder the gradient goes on as it came to the convolution: what goes on is the dx of "
                 "conv2d_backward", past_the_conv_of_encoder2=past("conv2d_backward", 4))


@BACKWARD.mistake("what comes out of a decoder is added to the encoder's gradient: only positions went across, and no "
                  "gradient")
def added_across(x, params):
    crossing = {}

    def unpool(call, dy, corners):
        crossing[dy.shape] = dy
        return OPS.max_unpool_backward(dy, corners)

    def pool(call, dy, corners, shape):
        return OPS.max_pool_backward(dy, corners, shape) + crossing[shape]

    return went_back(max_unpool_backward=unpool, max_pool_backward=pool)(x, params)


for block, call in ("decoder2", 2), ("encoder1", 4):
    BACKWARD.mistake(f"in {block} the gradient goes on as it came to batch norm: what goes on is the dx of "
                     "batch_norm_backward", past_one_norm=past("batch_norm_backward", call))
BACKWARD.mistake("in decoder2 the gradient goes on as it came to the convolution: what goes on is the dx of "
                 "conv2d_backward", past_the_conv_of_decoder2=past("conv2d_backward", 3))
BACKWARD.mistake("relu_backward is missing in encoder1, or comes too late: ReLU was the last before the pooling",
                 no_relu_in_encoder1=went_back(relu_backward=lambda call, dy, cache: (
                     dy if call == 2 else OPS.relu_backward(dy, cache))))


def conv_before_norm(*blocks):
    """All gradients if in decoders of these calls of batch norm the convolution goes back first."""

    def run(x, params):
        waiting = []

        def norm(call, dy, cache):
            if call not in blocks:
                return OPS.batch_norm_backward(dy, cache)
            _, gamma, _ = cache
            waiting.append((cache, np.empty_like(gamma), np.empty_like(gamma)))         # filled after the convolution
            return dy, *waiting[-1][1:]

        def conv(call, dy, cache, *options):
            dx, dw, db = OPS.conv2d_backward(dy, cache, *options)
            if waiting:
                cache, dgamma, dbeta = waiting.pop()
                dx, dgamma[...], dbeta[...] = OPS.batch_norm_backward(dx, cache)
            return dx, dw, db

        return went_back(batch_norm_backward=norm, conv2d_backward=conv)(x, params)

    return run


BACKWARD.mistake("in the decoder the convolution goes back before batch norm, as in forward: batch norm came last, so "
                 "it goes back first", "decoder1.norm.beta", "decoder1.norm.gamma",
                 conv_before_norm=conv_before_norm(1, 2))
BACKWARD.mistake("in decoder2 the convolution goes back before batch norm: batch norm came last, so it goes back first",
                 "decoder2.norm.beta", "decoder2.norm.gamma", conv_before_norm_in_decoder2=conv_before_norm(2))


@BACKWARD.mistake("what comes out of the unpooling of decoder1 is added at encoder1: only positions went across, and "
                  "no gradient")
def added_at_the_pooling(x, params):
    crossing = []

    def unpool(call, dy, corners):
        crossing.append(OPS.max_unpool_backward(dy, corners))
        return crossing[-1]

    def pool(call, dy, corners, shape):
        return OPS.max_pool_backward(dy + crossing[0] if call == 2 else dy, corners, shape)

    return went_back(max_unpool_backward=unpool, max_pool_backward=pool)(x, params)


right_gradients = went_back()
BACKWARD.mistake("under the keys of one decoder are the gradients of the other",
                 decoders_under_wrong_keys=lambda x, params: under_each_other(
                     right_gradients(x, params), "decoder1", "decoder2"))
BACKWARD.mistake("under gamma are the gradients of beta, or the other way round",
                 gamma_and_beta_exchanged=lambda x, params: under_each_other(
                     right_gradients(x, params), ".gamma", ".beta"))


def once(wrong):
    """A known mistake that works out its answer once for each case: it is asked for every key of every learner."""
    found = {}

    @wraps(wrong)
    def run(x, params):
        given = b"".join(a.tobytes() for a in (x, *params.values()))
        if given not in found:
            found[given] = wrong(x, params)
        return found[given]

    return run


for table in FORWARD, BACKWARD:
    table.mistakes = [once(wrong) for wrong in table.mistakes]


def check_forward_pass(function):
    verdicts = values(
        logits_of(NETWORK.forward), *CASES, names=NAMES, results=("logits",), adapt=logits_of, mistakes=FORWARD
    )(function)
    for args in CASES:
        try:
            if statistics_of(function)(*args) is None:
                return verdicts | {"batch_stats": Verdict(TODO)}
            report = first_wrong(statistics_of, function, NETWORK.forward, tuple(OF_STATS), FORWARD, args)
            if report and verdicts["logits"].kind == WRONG:
                verdicts["logits"] = Verdict(WRONG, report)         # that they are wrong follows from it
        except ForwardError as error:
            report = str(error)
        if report:
            return verdicts | {"batch_stats": Verdict(WRONG, report)}
    return verdicts | {"batch_stats": Verdict(DONE)}


def gradients_of(backward, *keys):
    """The gradients under some keys, as a function of x and params: forward, a random dlogits, backward."""
    function = own_forward(backward)

    def run(x, params):
        grads = all_gradients(function, backward, x, params)
        return tuple(without_rounding(key, grads) for key in keys)

    run.__name__ = "backward"
    return run


def own_forward(backward):
    """The forward in the file of a backward, watched as the backward is."""
    backward = inspect.unwrap(backward)
    function = backward.__globals__.get("forward")
    if function is NETWORK.forward:
        return function
    return watched(function, Path(backward.__code__.co_filename), course.LIBRARY / "networks")


def check_backward_pass(backward):
    """For the classifier, each decoder and each encoder: are all its gradients the library's?"""
    todo = dict.fromkeys(GROUPS, Verdict(TODO))
    function = own_forward(backward)
    try:
        if not callable(function) or any(verdict.kind != DONE for verdict in check_forward_pass(function).values()):
            return todo
    except TroubleError:
        return todo
    RACE["forward"], verdicts = function, {}
    for args in CASES:
        given = all_gradients(function, backward, *args)
        if given is None:
            return todo
        if said := about_keys("grads", given, OF_PARAMS, all_of_them=False):
            return dict.fromkeys(GROUPS, Verdict(WRONG, said))
        given = {key for key, gradient in given.items() if gradient is not None}
        for group in GROUPS:
            keys = tuple(key for key in OF_PARAMS if key.startswith(group))[::-1]   # in backward's order
            missing = [key for key in keys if key not in given]
            if verdicts.get(group, Verdict(DONE)).kind != DONE:
                continue
            if missing == [*keys]:
                verdicts[group] = Verdict(TODO)
            elif missing:
                verdicts[group] = Verdict(WRONG, f"  grads has no {', no '.join(missing)}")
            else:
                report = first_wrong(gradients_of, backward, library_backward, keys, BACKWARD, args)
                before = next((verdict.text for verdict in verdicts.values() if verdict.kind == WRONG), report)
                verdicts[group] = Verdict(WRONG, before) if report else Verdict(DONE)      # it may follow from that
    return {group: verdicts[group] for group in GROUPS}


RACE = {"forward": forward, "caches": {}}


def library_backward(dlogits, cache, ops):
    """The library's backward. In the race it is given a learner's cache, and takes the library's of the same step."""
    _, grads = NETWORK.backward(dlogits, unused(RACE["caches"].get(dlogits.shape, cache)), ops)
    return grads


def unused(cache):
    """A copy of the lists of a cache, which backward uses up, with the same arrays in them."""
    return [unused(part) for part in cache] if isinstance(cache, list) else cache


def step():
    """Parameters of two levels, and two small images, in float32."""
    params, _ = networks.init(networks.build("segnet-basic", filters=16, levels=2), seed=0)
    return params, np.random.default_rng(0).standard_normal((2, 30, 40, 3), np.float32)


def race_backward():
    """dlogits, and the cache of the forward that was judged with the last backward; the library's is laid ready."""
    params, x = step()
    logits, _, cache = forward(params, x, OPS)
    RACE["caches"][logits.shape] = cache
    return logits, RACE["forward"](params, x, OPS)[2], OPS


EXERCISES = (
    Exercise(
        "forward", check_forward_pass,
        answer=NETWORK.forward, read="tinysegnet/networks/segnet_basic.py", forbidden=course.LIBRARY / "networks",
        race=lambda: (*step(), OPS),
        differs="is the same list, of blocks, for any number of levels",
        hints=("One line for each operation. x goes in and comes out under the same name: x, cache[...] = ops....",
               "Before max_pool note x.shape: max_unpool wants it, and of (N, 5, 7, C) there is no trace in (N, 3, 4, "
               "C). A dict for the cache, with the names of the blocks as keys, keeps the levels apart.",
               "batch_stats, cache = {}, {}, then for level in (1, 2): on the way down, and for level in (2, 1): up "
               "again"),
    ),
    Exercise(
        "backward", check_backward_pass,
        answer=library_backward, read="tinysegnet/networks/blocks.py", forbidden=course.LIBRARY / "networks",
        race=race_backward,
        differs="goes up the same list, and throws away what it has used, so that the memory is free again",
        hints=("Read your forward from its last line to its first. Each operation gives the dx that the one before it "
               "takes as its dy.",
               "The classifier comes first, then decoder1, decoder2, encoder2, encoder1. The dx of each has the shape "
               "of that operation's x. The image needs none: need_dx=False.",
               'grads = {}, then dx, grads["classifier.w"], grads["classifier.b"] = ops.conv2d_backward(dlogits, ...)'),
    ),
)

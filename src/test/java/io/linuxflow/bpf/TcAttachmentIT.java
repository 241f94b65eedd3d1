// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThatCode;

import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Programs at both tc hooks of a real device, with real packets. */
class TcAttachmentIT {

    private VethLab lab;
    private NamespaceThread left;
    private NamespaceThread right;
    private BpfObject object;

    @BeforeEach
    void open() {
        lab = new VethLab();
        left = new NamespaceThread(lab.left());
        right = new NamespaceThread(lab.right());
        object = BpfObject.open(BpfObject.resource("bpf/bridge.bpf.o"), "bridge");
        object.load();
    }

    @AfterEach
    void close() {
        object.close();
        left.close();
        right.close();
        lab.close();
    }

    /** Attaches in the namespace that sends, or receives, as the direction has it. */
    private TcAttachment attach(String program, Hook hook, Direction direction) {
        return attach(program, hook, direction, ClsactOptions.CHOSEN);
    }

    private TcAttachment attach(
            String program, Hook hook, Direction direction, ClsactOptions options) {
        return in(direction)
                .call(
                        () ->
                                TcAttachment.attach(
                                        object.program(program),
                                        VethLab.ifindex(),
                                        direction,
                                        hook,
                                        options));
    }

    private NamespaceThread in(Direction direction) {
        return direction == Direction.EGRESS ? left : right;
    }

    private long seen() {
        return object.global("seen").getLongAcquire(0);
    }

    /** What tc prints, of the device that sends. */
    private String tc(String object, String verb, String arguments) {
        return Command.run(
                ("ip netns exec %s tc %s %s dev %s %s"
                                .formatted(lab.left(), object, verb, VethLab.DEVICE, arguments))
                        .strip());
    }

    private void addForeignFilter(String where) {
        tc("filter", "add", "egress " + where + " protocol ip u32 match u32 0 0");
    }

    static Stream<Arguments> hooksAndDirections() {
        return Stream.of(Hook.TCX, Hook.CLSACT)
                .flatMap(hook -> Stream.of(Direction.values()).map(dir -> Arguments.of(hook, dir)));
    }

    @ParameterizedTest
    @MethodSource("hooksAndDirections")
    void theProgramSeesEveryPacketUntilItIsDetached(Hook hook, Direction direction) {
        TcAttachment attachment = attach("see", hook, direction);
        assertThat(attachment.hook()).isEqualTo(hook);
        lab.send(10);
        assertThat(seen()).isEqualTo(10);
        assertThat(in(direction).call(attachment::isAttached)).isTrue();

        in(direction).run(attachment::close);
        lab.send(10);

        assertThat(seen()).isEqualTo(10);
        in(direction).run(attachment::close);
    }

    @ParameterizedTest
    @MethodSource("hooksAndDirections")
    void noVerdictOfAnotherProgramHidesPackets(Hook hook, Direction direction) {
        attach("accept", hook, direction);
        attach("see", hook, direction);

        lab.send(10);

        assertThat(seen()).isEqualTo(10);
    }

    @ParameterizedTest
    @MethodSource("hooksAndDirections")
    void otherProgramsStayWhenOneIsDetached(Hook hook, Direction direction) {
        TcAttachment first = attach("see", hook, direction);
        attach("see_second", hook, direction);

        in(direction).run(first::close);
        lab.send(10);

        assertThat(seen()).isZero();
        assertThat(object.global("seen_second").getLongAcquire(0)).isEqualTo(10);
    }

    @Test
    void bothHooksAndBothDirectionsGoTogether() {
        for (Hook hook : new Hook[] {Hook.TCX, Hook.CLSACT}) {
            for (Direction direction : Direction.values()) {
                attach("see", hook, direction);
            }
        }

        lab.send(10);

        assertThat(seen()).isEqualTo(40);
    }

    @Test
    void autoTakesTcxWhereTheKernelHasIt() {
        assertThat(attach("see", Hook.AUTO, Direction.EGRESS).hook()).isEqualTo(Hook.TCX);
    }

    @Test
    void autoTakesClsactWhereTheKernelHasNoTcx() {
        left.run(OldKernel::withoutTcx);

        assertThat(attach("see", Hook.AUTO, Direction.EGRESS).hook()).isEqualTo(Hook.CLSACT);

        lab.send(10);
        assertThat(seen()).isEqualTo(10);
        assertThatThrownBy(() -> attach("see", Hook.TCX, Direction.EGRESS))
                .isInstanceOf(BpfException.class)
                .hasMessageMatching(
                        "attach see to TCX EGRESS of interface \\d+: Invalid argument \\(EINVAL\\)."
                                + " tcx came with Linux 6.6: use clsact");
    }

    @ParameterizedTest
    @EnumSource(Hook.class)
    void anInterfaceThatIsNotThereIsAnError(Hook hook) {
        assertThatThrownBy(
                        () ->
                                left.call(
                                        () ->
                                                TcAttachment.attach(
                                                        object.program("see"),
                                                        4711,
                                                        Direction.EGRESS,
                                                        hook,
                                                        ClsactOptions.CHOSEN)))
                .isInstanceOf(BpfException.class)
                .hasMessage(
                        "attach see to %s EGRESS of interface 4711: No such device (ENODEV). The"
                                + " interface is not, or no longer, in this network namespace",
                        hook == Hook.AUTO ? Hook.TCX : hook);
    }

    @ParameterizedTest
    @MethodSource("hooksAndDirections")
    void anInterfaceThatVanishesTakesTheProgramAlong(Hook hook, Direction direction) {
        TcAttachment attachment = attach("see", hook, direction);

        lab.unplug();

        assertThat(in(direction).call(attachment::isAttached)).isFalse();
        in(direction).run(attachment::close);
    }

    @ParameterizedTest
    @EnumSource(
            value = Hook.class,
            names = {"TCX", "CLSACT"})
    void theProgramCanBeAttachedToTheInterfaceMadeAnew(Hook hook) {
        TcAttachment old = attach("see", hook, Direction.EGRESS);
        lab.unplug();
        lab.plug();
        attach("see", hook, Direction.EGRESS);
        left.run(old::close);

        lab.send(10);

        assertThat(seen()).isEqualTo(10);
    }

    @Test
    void theClsactQdiscGoesWithTheLastProgram() {
        TcAttachment egress = attach("see", Hook.CLSACT, Direction.EGRESS);
        TcAttachment ingress =
                left.call(
                        () ->
                                TcAttachment.attach(
                                        object.program("see"),
                                        VethLab.ifindex(),
                                        Direction.INGRESS,
                                        Hook.CLSACT,
                                        ClsactOptions.CHOSEN));

        left.run(egress::close);
        assertThat(tc("qdisc", "show", "")).contains("clsact");

        left.run(ingress::close);
        assertThat(tc("qdisc", "show", "")).doesNotContain("clsact");
    }

    @Test
    void aClsactQdiscOfOthersStays() {
        tc("qdisc", "add", "clsact");
        TcAttachment attachment =
                left.call(
                        () ->
                                TcAttachment.attach(
                                        object.program("see"),
                                        VethLab.ifindex(),
                                        Direction.EGRESS,
                                        Hook.CLSACT,
                                        ClsactOptions.CHOSEN));

        left.run(attachment::close);

        assertThat(tc("qdisc", "show", "")).contains("clsact");
    }

    @Test
    void filtersOfOthersStayAndSoDoesTheQdiscTheyAreIn() {
        TcAttachment attachment = attach("see", Hook.CLSACT, Direction.EGRESS);
        addForeignFilter("pref 7");

        left.run(attachment::close);

        assertThat(tc("qdisc", "show", "")).contains("clsact");
        assertThat(tc("filter", "show", "egress")).contains("pref 7 u32");
    }

    @Test
    void aPriorityThatAnotherKindOfFilterHasIsSkipped() {
        tc("qdisc", "add", "clsact");
        addForeignFilter("pref 1");

        attach("see", Hook.CLSACT, Direction.EGRESS);
        lab.send(10);

        assertThat(seen()).isEqualTo(10);
        assertThat(tc("filter", "show", "egress")).contains("pref 1 u32").contains("pref 2 bpf");
    }

    @ParameterizedTest
    @CsvSource({
        "5, 0, pref 5 bpf, handle 0x4c46",
        "0, 9, pref 1 bpf, handle 0x9",
        "5, 9, pref 5, 0x9"
    })
    void priorityAndHandleAreHeeded(int priority, int handle, String shown, String shownHandle) {
        TcAttachment attachment =
                attach(
                        "see",
                        Hook.CLSACT,
                        Direction.EGRESS,
                        new ClsactOptions(priority, handle, 0));

        assertThat(tc("filter", "show", "egress"))
                .contains(shown)
                .contains(shownHandle)
                .contains("see");
        left.run(attachment::close);
        lab.send(10);
        assertThat(seen()).isZero();
    }

    @Test
    void aPlaceThatIsTakenIsAnError() {
        ClsactOptions place = new ClsactOptions(5, 9, 0);
        attach("see", Hook.CLSACT, Direction.EGRESS, place);

        assertThatThrownBy(() -> attach("see", Hook.CLSACT, Direction.EGRESS, place))
                .isInstanceOf(BpfException.class)
                .hasMessageEndingWith(
                        "File exists (EEXIST). Another filter is there: choose another pref or"
                                + " handle");
        lab.send(10);
        assertThat(seen()).as("the first one is still there").isEqualTo(10);
    }

    @Test
    void anIngressQdiscInThePlaceOfClsactIsAnError() {
        tc("qdisc", "add", "ingress");

        assertThatThrownBy(() -> attach("see", Hook.CLSACT, Direction.EGRESS))
                .isInstanceOf(BpfException.class)
                .hasMessageContaining(": an ingress qdisc is in the place of clsact. Use tcx, or");
        assertThat(tc("filter", "show", "ingress")).isEmpty();
    }

    @Test
    void whoRemovesTheQdiscDetachesTheProgram() {
        TcAttachment attachment = attach("see", Hook.CLSACT, Direction.EGRESS);
        tc("qdisc", "del", "clsact");

        assertThat(left.call(attachment::isAttached)).isFalse();
        left.run(attachment::close);
    }

    @Test
    void aFilterThatReplacedOursIsLeftAlone() {
        TcAttachment ours =
                attach("see", Hook.CLSACT, Direction.EGRESS, new ClsactOptions(5, 9, 0));
        tc("filter", "del", "egress pref 5");
        String file = TcAttachmentIT.class.getResource("/bpf/bridge.bpf.o").getPath();
        tc("filter", "add", "egress pref 5 handle 9 bpf da object-file " + file + " section tc");

        assertThat(left.call(ours::isAttached)).isFalse();
        left.run(ours::close);

        assertThat(tc("filter", "show", "egress")).contains("pref 5").contains("handle 0x9");
    }

    @Test
    void aFilterThatAProcessLeftWhenItDiedIsReplaced() {
        ChildJvm.run(List.of("ip", "netns", "exec", lab.left()), "abandon");
        String orphan = tc("filter", "show", "egress");
        assertThat(orphan).contains("see:[");

        TcAttachment attachment = attach("see", Hook.CLSACT, Direction.EGRESS);
        lab.send(10);

        assertThat(seen()).isEqualTo(10);
        assertThat(tc("filter", "show", "egress")).containsOnlyOnce("see:[").isNotEqualTo(orphan);
        left.run(attachment::close);
        assertThat(tc("filter", "show", "egress")).isEmpty();
    }

    /** One that did less or more than what is wanted now. */
    @Test
    void anotherProgramOfOursThatAProcessLeftIsReplacedToo() {
        ChildJvm.run(List.of("ip", "netns", "exec", lab.left()), "abandon");

        attach("see_second", Hook.CLSACT, Direction.EGRESS);

        assertThat(tc("filter", "show", "egress")).contains("see_second:[").doesNotContain("see:[");
    }

    @Test
    void aFilterOfOthersInOurPlaceIsNotReplaced() {
        String file = TcAttachmentIT.class.getResource("/bpf/bridge.bpf.o").getPath();
        tc("qdisc", "add", "clsact");
        tc(
                "filter",
                "add",
                "egress pref 1 handle 0x4c46 bpf da object-file " + file + " section tc");

        attach("see", Hook.CLSACT, Direction.EGRESS);

        assertThat(tc("filter", "show", "egress")).contains("handle 0x4c46 ", "handle 0x4c47 ");
    }

    /** Where, for tc of the namespace that sends, or receives. */
    private String filters(Direction direction, String verb) {
        return "ip netns exec %s tc filter %s dev %s %s "
                .formatted(
                        direction == Direction.EGRESS ? lab.left() : lab.right(),
                        verb,
                        VethLab.DEVICE,
                        direction.name().toLowerCase(Locale.ROOT));
    }

    @ParameterizedTest
    @EnumSource
    void aFilterInAnotherChainSeesNothingUntilPacketsAreSentThere(Direction direction) {
        ClsactOptions place = new ClsactOptions(5, 9, 42);
        TcAttachment attachment = attach("see", Hook.CLSACT, direction, place);
        lab.send(10);

        assertThat(seen()).isZero();
        assertThat(Command.run(filters(direction, "show") + "chain 42"))
                .contains("pref 5 ", "handle 0x9 ", "see:[");
        assertThat(Command.run(filters(direction, "show") + "chain 0")).isBlank();
        assertThat(in(direction).call(attachment::isAttached)).isTrue();
        assertThat(in(direction).call(() -> TcProgram.list(VethLab.ifindex(), direction)))
                .singleElement()
                .matches(program -> program.place().equals(place));
        assertThatThrownBy(() -> attach("see", Hook.CLSACT, direction, place))
                .hasMessageContaining("EEXIST");

        in(direction).run(attachment::close);
        assertThat(in(direction).call(() -> TcProgram.list(VethLab.ifindex(), direction)))
                .isEmpty();
    }

    /** Skipped where the kernel has no act_gact, and so no way from one chain to another. */
    @ParameterizedTest
    @EnumSource
    void aFilterInAnotherChainSeesWhatIsSentThere(Direction direction) {
        TcAttachment attachment =
                attach("see", Hook.CLSACT, direction, new ClsactOptions(5, 9, 42));
        assumeThatCode(
                        () ->
                                Command.run(
                                        filters(direction, "add")
                                                + "pref 1 protocol ip u32 match u32 0 0"
                                                + " action goto chain 42"))
                .doesNotThrowAnyException();
        lab.send(10);
        assertThat(seen()).isEqualTo(10);

        in(direction).run(attachment::close);
        lab.send(10);
        assertThat(seen()).isEqualTo(10);
    }

    @Test
    void aClsactFilterIsOnlyToBeReachedFromItsNamespace() {
        TcAttachment attachment = attach("see", Hook.CLSACT, Direction.EGRESS);

        assertThatThrownBy(attachment::close)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("is in another network namespace than this thread");
        assertThat(left.call(attachment::isAttached)).isTrue();
    }
}

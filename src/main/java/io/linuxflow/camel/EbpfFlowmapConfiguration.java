// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import io.linuxflow.bpf.ClsactOptions;
import io.linuxflow.bpf.Hook;
import io.linuxflow.metering.CacheOptions;
import io.linuxflow.metering.FlowClock;
import io.linuxflow.metering.MeterOptions;
import io.linuxflow.metering.MeteringDirection;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.camel.RuntimeCamelException;
import org.apache.camel.spi.UriParam;
import org.apache.camel.spi.UriParams;

/**
 * What an endpoint, or the component for all of them, says about the meter and the queue. An option
 * that is null was not given: the endpoints of one name share a meter, and one of them may say what
 * the others leave open.
 */
@UriParams
public class EbpfFlowmapConfiguration implements Cloneable {

    private static final List<String> METER_OPTIONS =
            List.of(
                    "interfaces",
                    "direction",
                    "hook",
                    "clsactPriority",
                    "clsactHandle",
                    "clsactChain",
                    "drainInterval",
                    "slots",
                    "clock",
                    "latency",
                    "batchSize",
                    "activeTimeout",
                    "idleTimeout",
                    "finishedDrain",
                    "cacheMaxFlows",
                    "pin");

    @UriParam(
            label = "consumer",
            defaultValue = "*",
            description =
                    "Which interfaces are metered: names or globs, separated by commas, each with"
                        + " the name of a network namespace and a colon in front if it is not in"
                        + " this process's own, as in eth1,ns0:veth0. The loopback is metered only"
                        + " when it is named. Interfaces that appear later are metered from then"
                        + " on.")
    private String interfaces;

    @UriParam(
            label = "consumer",
            defaultValue = "EGRESS",
            description =
                    "At which hook of an interface packets are metered. EGRESS gives one record for"
                        + " a forwarded packet, with both interfaces; BOTH gives two, told apart by"
                        + " flowDirection.")
    private MeteringDirection direction;

    @UriParam(
            label = "consumer,advanced",
            defaultValue = "AUTO",
            description =
                    "How the program is attached. AUTO takes TCX where the kernel has it (6.6),"
                            + " else CLSACT.")
    private Hook hook;

    @UriParam(
            label = "consumer,advanced",
            description =
                    "With CLSACT: the priority (pref) of the filter; 0 takes the first that can be"
                            + " had, from 1 on.",
            defaultValue = "0")
    private Integer clsactPriority;

    @UriParam(
            label = "consumer,advanced",
            description = "With CLSACT: the handle of the filter; 0 takes one that is free.",
            defaultValue = "0")
    private Integer clsactHandle;

    @UriParam(
            label = "consumer,advanced",
            description =
                    "With CLSACT: the chain of the filter. One other than 0 sees only the packets"
                            + " that a filter of chain 0 sends there with action goto chain.",
            defaultValue = "0")
    private Integer clsactChain;

    @UriParam(
            label = "consumer",
            defaultValue = "5s",
            javaType = "java.time.Duration",
            description =
                    "How often the flows are taken out of the kernel, so how long they are"
                            + " aggregated there.")
    private Duration drainInterval;

    @UriParam(
            label = "consumer",
            defaultValue = "131072",
            description =
                    "How many flows the kernel keeps between two drains. When they run out the next"
                        + " drain comes early; packets that find no room are counted as overflow.")
    private Integer slots;

    @UriParam(
            label = "consumer,advanced",
            defaultValue = "JIFFIES",
            description =
                    "The kernel clock that packets are stamped with. JIFFIES is free and as fine as"
                            + " the scheduler tick, COARSE costs some 10 ns a packet, BOOT some 30"
                            + " ns for nanoseconds.")
    private FlowClock clock;

    @UriParam(
            label = "consumer",
            defaultValue = "false",
            description =
                    "Whether it is measured how long packets take from the ingress hook of the"
                        + " interface they come in by to the first egress hook that they pass,"
                        + " summed up by pair of interfaces. Needs the direction EGRESS or BOTH."
                        + " Costs some 100 ns a packet that is forwarded, and nothing when it is"
                        + " off.")
    private Boolean latency;

    @UriParam(
            label = "consumer",
            defaultValue = "4096",
            description = "The most flows in one exchange.")
    private Integer batchSize;

    @UriParam(
            label = "consumer",
            defaultValue = "false",
            description =
                    "Whether the programs stay attached and go on counting when this process ends,"
                        + " even if it is killed, and the next one goes on from there. Their state"
                        + " is pinned under /sys/fs/bpf/linux-flow-exporter; flowctl meter detach"
                        + " removes it.")
    private Boolean pin;

    @UriParam(
            label = "consumer",
            defaultValue = "30s",
            javaType = "java.time.Duration",
            description =
                    "After this long a flow's record goes out though the flow goes on, as a new"
                            + " record. 0: no flow cache, each drain gives a record for each flow"
                            + " it finds.")
    private Duration activeTimeout;

    @UriParam(
            label = "consumer",
            defaultValue = "15s",
            javaType = "java.time.Duration",
            description = "After this long without packets a flow has ended.")
    private Duration idleTimeout;

    @UriParam(
            label = "consumer",
            defaultValue = "5s",
            javaType = "java.time.Duration",
            description =
                    "How long after a FIN or RST a flow has ended at the latest; it has as soon as"
                            + " a drain finds no more packets of it.")
    private Duration finishedDrain;

    @UriParam(
            label = "consumer,advanced",
            defaultValue = "262144",
            description =
                    "The most flows in the flow cache, of each network namespace. What finds it"
                            + " full goes out at once. Memory is taken as it is needed.")
    private Integer cacheMaxFlows;

    @UriParam(
            label = "consumer",
            defaultValue = "32768",
            description =
                    "The most flows that wait for this consumer, besides those that the meter"
                        + " itself holds back for it, for half a drain interval at the most. What"
                        + " its route is too slow for is dropped and counted, and hurts no other"
                        + " consumer.")
    private int queueCapacity = 1 << 15;

    /** A copy that can be changed on its own. */
    public EbpfFlowmapConfiguration copy() {
        try {
            return (EbpfFlowmapConfiguration) clone();
        } catch (CloneNotSupportedException e) {
            throw new RuntimeCamelException(e);
        }
    }

    /** The options of the meter that were given, by name. */
    Map<String, Object> meterOptions() {
        Map<String, Object> given =
                byName(
                        interfaces,
                        direction,
                        hook,
                        clsactPriority,
                        clsactHandle,
                        clsactChain,
                        drainInterval,
                        slots,
                        clock,
                        latency,
                        batchSize,
                        activeTimeout,
                        idleTimeout,
                        finishedDrain,
                        cacheMaxFlows,
                        pin);
        given.values().removeIf(Objects::isNull);
        return given;
    }

    /** All options of a meter, by name. */
    static Map<String, Object> byName(MeterOptions options) {
        return byName(
                options.interfaces(),
                options.direction(),
                options.hook(),
                options.clsact().priority(),
                options.clsact().handle(),
                options.clsact().chain(),
                options.drainInterval(),
                options.slots(),
                options.clock(),
                options.latency(),
                options.batchSize(),
                options.cache().activeTimeout(),
                options.cache().idleTimeout(),
                options.cache().finishedDrain(),
                options.cache().maxFlows(),
                options.pin());
    }

    private static Map<String, Object> byName(Object... values) {
        Map<String, Object> named = new LinkedHashMap<>();
        for (int i = 0; i < values.length; i++) {
            named.put(METER_OPTIONS.get(i), values[i]);
        }
        return named;
    }

    /**
     * These options, and the defaults of those that are not among them.
     *
     * @throws IllegalArgumentException naming an option that is out of range
     */
    static MeterOptions meterOptions(Map<String, Object> given) {
        Map<String, Object> all = byName(MeterOptions.DEFAULT);
        all.putAll(given);
        return new MeterOptions(
                (String) all.get("interfaces"),
                (MeteringDirection) all.get("direction"),
                (Hook) all.get("hook"),
                new ClsactOptions(
                        (int) all.get("clsactPriority"),
                        (int) all.get("clsactHandle"),
                        (int) all.get("clsactChain")),
                (Duration) all.get("drainInterval"),
                (int) all.get("slots"),
                (FlowClock) all.get("clock"),
                (boolean) all.get("latency"),
                (int) all.get("batchSize"),
                new CacheOptions(
                        (Duration) all.get("activeTimeout"),
                        (Duration) all.get("idleTimeout"),
                        (Duration) all.get("finishedDrain"),
                        (int) all.get("cacheMaxFlows")),
                (boolean) all.get("pin"));
    }

    public String getInterfaces() {
        return interfaces;
    }

    public void setInterfaces(String interfaces) {
        this.interfaces = interfaces;
    }

    public MeteringDirection getDirection() {
        return direction;
    }

    public void setDirection(MeteringDirection direction) {
        this.direction = direction;
    }

    public Hook getHook() {
        return hook;
    }

    public void setHook(Hook hook) {
        this.hook = hook;
    }

    public Integer getClsactPriority() {
        return clsactPriority;
    }

    public void setClsactPriority(Integer clsactPriority) {
        this.clsactPriority = clsactPriority;
    }

    public Integer getClsactHandle() {
        return clsactHandle;
    }

    public void setClsactHandle(Integer clsactHandle) {
        this.clsactHandle = clsactHandle;
    }

    public Integer getClsactChain() {
        return clsactChain;
    }

    public void setClsactChain(Integer clsactChain) {
        this.clsactChain = clsactChain;
    }

    public Duration getDrainInterval() {
        return drainInterval;
    }

    public void setDrainInterval(Duration drainInterval) {
        this.drainInterval = drainInterval;
    }

    public Integer getSlots() {
        return slots;
    }

    public void setSlots(Integer slots) {
        this.slots = slots;
    }

    public FlowClock getClock() {
        return clock;
    }

    public void setClock(FlowClock clock) {
        this.clock = clock;
    }

    public Boolean getLatency() {
        return latency;
    }

    public void setLatency(Boolean latency) {
        this.latency = latency;
    }

    public Integer getBatchSize() {
        return batchSize;
    }

    public void setBatchSize(Integer batchSize) {
        this.batchSize = batchSize;
    }

    public Duration getActiveTimeout() {
        return activeTimeout;
    }

    public void setActiveTimeout(Duration activeTimeout) {
        this.activeTimeout = activeTimeout;
    }

    public Duration getIdleTimeout() {
        return idleTimeout;
    }

    public void setIdleTimeout(Duration idleTimeout) {
        this.idleTimeout = idleTimeout;
    }

    public Duration getFinishedDrain() {
        return finishedDrain;
    }

    public void setFinishedDrain(Duration finishedDrain) {
        this.finishedDrain = finishedDrain;
    }

    public Integer getCacheMaxFlows() {
        return cacheMaxFlows;
    }

    public void setCacheMaxFlows(Integer cacheMaxFlows) {
        this.cacheMaxFlows = cacheMaxFlows;
    }

    public Boolean getPin() {
        return pin;
    }

    public void setPin(Boolean pin) {
        this.pin = pin;
    }

    public int getQueueCapacity() {
        return queueCapacity;
    }

    public void setQueueCapacity(int queueCapacity) {
        this.queueCapacity = queueCapacity;
    }
}

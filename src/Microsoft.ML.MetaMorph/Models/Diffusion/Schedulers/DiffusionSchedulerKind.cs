namespace Microsoft.ML.MetaMorph;

/// <summary>How a picture is led from noise to itself, by the published names of diffusers' schedulers.</summary>
public enum DiffusionSchedulerKind
{
    /// <summary><c>PNDMScheduler</c> (Liu et al., 2022): pseudo linear multistep. Stable Diffusion's own.</summary>
    Pndm,

    /// <summary><c>DDIMScheduler</c> (Song et al., 2021): deterministic, first order.</summary>
    Ddim,

    /// <summary><c>EulerDiscreteScheduler</c> (Karras et al., 2022): Euler steps of the probability flow.</summary>
    Euler,

    /// <summary><c>EulerAncestralDiscreteScheduler</c>: Euler steps with fresh noise after each.</summary>
    EulerAncestral,

    /// <summary><c>DPMSolverMultistepScheduler</c> (Lu et al., 2022): DPM-Solver++, good pictures in few steps.</summary>
    DpmSolverMultistep,

    /// <summary><c>DDPMScheduler</c> (Ho et al., 2020): the ancestral sampler that training assumes.</summary>
    Ddpm,
}
